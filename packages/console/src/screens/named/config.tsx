import type { NamedSession } from 'curfew-client';
import { useId, useState } from 'preact/hooks';
import { changes } from '../../app/api.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { t } from '../../texts/index.ts';

type Config = NamedSession['config'];

export function NewNamed({ onClose }: { onClose(): void }) {
  const [name, setName] = useState('');
  const [config, setConfig] = useState('{}');
  const [checked, setChecked] = useState(false);
  const missing = name.trim() === '';
  return (
    <Dialog title={t.named.newTitle} onClose={onClose}>
      <Form
        action={t.named.create}
        check={() => {
          setChecked(true);
          return !missing && parsed(config) !== undefined;
        }}
        step={(options) => changes.createNamedSession({ name: name.trim(), config: parsed(config)! }, options)}
        onDone={onClose}
        onCancel={onClose}
      >
        <Field
          label={t.named.name}
          value={name}
          onValue={setName}
          maxLength={100}
          error={checked && missing ? t.named.nameMissing : undefined}
        />
        <ConfigField value={config} onValue={setConfig} />
      </Form>
    </Dialog>
  );
}

export function ConfigDialog({ named, onClose }: { named: NamedSession; onClose(): void }) {
  const [config, setConfig] = useState(JSON.stringify(named.config, undefined, 2));
  return (
    <Dialog title={t.named.configTitle(named.name)} wide onClose={onClose}>
      <Form
        action={t.common.save}
        check={() => parsed(config) !== undefined}
        step={(options) => changes.updateNamedSession({ name: named.name, config: parsed(config)! }, options)}
        onDone={onClose}
        onCancel={onClose}
      >
        <ConfigField value={config} onValue={setConfig} />
      </Form>
    </Dialog>
  );
}

/** A JSON object; says so while it is none. */
function ConfigField({ value, onValue }: { value: string; onValue(value: string): void }) {
  const id = useId();
  const wrong = parsed(value) === undefined;
  return (
    <div class="field">
      <label for={id}>{t.named.config}</label>
      <textarea
        id={id}
        rows={8}
        spellcheck={false}
        class="mono"
        value={value}
        aria-invalid={wrong || undefined}
        aria-describedby={`${id}-hint`}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      <p class={wrong ? 'error' : 'hint'} id={`${id}-hint`}>
        {wrong ? t.named.configWrong : t.named.configHint}
      </p>
    </div>
  );
}

function parsed(text: string): Config | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Config) : undefined;
  } catch {
    return undefined;
  }
}
