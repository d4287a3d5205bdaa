import type { Account } from 'curfew-client';
import { useState } from 'preact/hooks';
import { changes } from '../../app/api.ts';
import { type Entered, RoleChoices, WhoFields } from '../../parts/account-fields.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { t } from '../../texts/index.ts';

export function NewAccount({ onClose }: { onClose(made?: Account): void }) {
  const [entered, setEntered] = useState<Entered>({ username: '', name: '', email: '', roles: ['member'] });
  const [password, setPassword] = useState('');
  const [checked, setChecked] = useState(false);
  const { roles } = entered;
  const [username, name, email] = [entered.username, entered.name, entered.email].map((text) => text.trim());
  const missing = { username: username === '', password: password.length < 8 };
  return (
    <Dialog title={t.accounts.newTitle} onClose={() => onClose()}>
      <Form
        action={t.accounts.create}
        check={() => {
          setChecked(true);
          return !missing.username && !missing.password;
        }}
        step={(options) =>
          changes.createAccount(
            { username: username!, email: email || undefined, name: name || undefined, password, roles },
            options,
          )
        }
        onDone={({ account }) => onClose(account)}
        onCancel={() => onClose()}
      >
        <WhoFields value={entered} onValue={setEntered} missing={checked && missing.username} />
        <Field
          type="password"
          label={t.accounts.password}
          hint={t.accounts.passwordHint}
          value={password}
          onValue={setPassword}
          maxLength={1024}
          autoComplete="new-password"
          error={checked && missing.password ? t.accounts.passwordHint : undefined}
        />
        <RoleChoices value={entered} onValue={setEntered} />
      </Form>
    </Dialog>
  );
}
