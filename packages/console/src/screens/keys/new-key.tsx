import type { ApiKey } from 'curfew-client';
import { useState } from 'preact/hooks';
import { changes } from '../../app/api.ts';
import { me } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { Choices } from '../../parts/choices.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { t } from '../../texts/index.ts';

type Scope = ApiKey['scopes'][number];

/** Makes a key, and shows its token once. */
export function NewKey({ onClose }: { onClose(): void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>([]);
  const [checked, setChecked] = useState(false);
  const [token, setToken] = useState<string>();
  if (token !== undefined) {
    return (
      <Dialog title={t.keys.madeTitle} firm onClose={onClose}>
        <p>{t.keys.madeText}</p>
        <p class="secret">
          <code>{token}</code>
        </p>
        <footer>
          <CopyButton text={token} />
          <Button kind="main" onClick={onClose}>
            {t.keys.kept}
          </Button>
        </footer>
      </Dialog>
    );
  }
  const missing = name.trim() === '';
  return (
    <Dialog title={t.keys.newTitle} wide onClose={onClose}>
      <Form
        action={t.keys.create}
        check={() => {
          setChecked(true);
          return !missing;
        }}
        step={(options) => changes.createKey({ name: name.trim(), scopes }, options)}
        onDone={(made) => setToken(made.token)}
        onCancel={onClose}
      >
        <Field
          label={t.keys.name}
          hint={t.keys.nameHint}
          value={name}
          onValue={setName}
          maxLength={100}
          error={checked && missing ? t.keys.nameMissing : undefined}
        />
        <Choices
          legend={t.keys.scopes}
          hint={t.keys.scopesHint}
          options={grantable()}
          chosen={scopes}
          onChosen={setScopes}
        />
      </Form>
    </Dialog>
  );
}

/** Nobody can give a key what they may not do themselves. */
function grantable(): Record<Scope, string> {
  const own: readonly string[] = me.get()?.permissions ?? [];
  const entries = Object.entries(t.rights.permissions).filter(([scope]) => own.includes(scope));
  return Object.fromEntries(entries) as Record<Scope, string>;
}
