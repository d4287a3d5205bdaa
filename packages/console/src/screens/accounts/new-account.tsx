import type { Account } from 'curfew-client';
import { useState } from 'preact/hooks';
import { changes } from '../../app/api.ts';
import { Choices } from '../../parts/choices.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { t } from '../../texts/index.ts';

type Role = Account['roles'][number];

export function NewAccount({ onClose }: { onClose(made?: Account): void }) {
  const [username, setUsername] = useState('');
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [roles, setRoles] = useState<Role[]>(['member']);
  const [checked, setChecked] = useState(false);
  const missing = { username: username.trim() === '', password: password.length < 8 };
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
            {
              username: username.trim(),
              email: email.trim() || undefined,
              name: name.trim() || undefined,
              password,
              roles,
            },
            options,
          )
        }
        onDone={({ account }) => onClose(account)}
        onCancel={() => onClose()}
      >
        <Field
          label={t.accounts.username}
          hint={t.accounts.usernameHint}
          value={username}
          onValue={setUsername}
          maxLength={64}
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          error={checked && missing.username ? t.accounts.usernameMissing : undefined}
        />
        <Field label={t.accounts.nameField} value={name} onValue={setName} maxLength={100} autoComplete="off" />
        <Field
          type="email"
          label={t.accounts.email}
          value={email}
          onValue={setEmail}
          maxLength={254}
          autoComplete="off"
        />
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
        <Choices legend={t.accounts.roles} options={t.rights.roles} chosen={roles} onChosen={setRoles} />
      </Form>
    </Dialog>
  );
}
