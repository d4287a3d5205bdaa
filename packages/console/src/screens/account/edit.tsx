import type { Account } from 'curfew-client';
import { useState } from 'preact/hooks';
import { changes } from '../../app/api.ts';
import { me } from '../../app/who.ts';
import { Choices } from '../../parts/choices.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Receipt } from '../../parts/receipt.tsx';
import { say } from '../../parts/toast.tsx';
import { t } from '../../texts/index.ts';

/** User name, address, name, roles, permissions and password. Only what was changed is sent. */
export function EditAccount({ account, onClose }: { account: Account; onClose(): void }) {
  const [username, setUsername] = useState(account.username);
  const [email, setEmail] = useState(account.email ?? '');
  const [name, setName] = useState(account.name ?? '');
  const [password, setPassword] = useState('');
  const [current, setCurrent] = useState('');
  const [roles, setRoles] = useState(account.roles);
  const [permissions, setPermissions] = useState(account.permissions);
  const [done, setDone] = useState<Awaited<ReturnType<typeof changes.updateAccount>>>();
  const own = me.get()?.account?.id === account.id;
  const changed = {
    ...(username.trim() !== account.username && { username: username.trim() }),
    ...(email.trim() !== (account.email ?? '') && { email: email.trim() || null }),
    ...(name.trim() !== (account.name ?? '') && { name: name.trim() || null }),
    ...(password !== '' && { password }),
    ...(differs(roles, account.roles) && { roles }),
    ...(differs(permissions, account.permissions) && { permissions }),
  };
  if (done?.receipt) {
    return (
      <Dialog title={t.common.saved} onClose={onClose}>
        <p>{t.accounts.endedByChange}</p>
        <Receipt receipt={done.receipt} />
      </Dialog>
    );
  }
  return (
    <Dialog title={t.accounts.changeTitle(account.username)} wide onClose={onClose}>
      <Form
        action={t.common.save}
        check={() => {
          if (Object.keys(changed).length > 0) return true;
          onClose();
          return false;
        }}
        step={(options) =>
          changes.updateAccount(
            { id: account.id, ...changed, ...(own && current !== '' && { currentPassword: current }) },
            options,
          )
        }
        onDone={(saved) => {
          if (saved.receipt) return setDone(saved);
          say(t.common.saved);
          onClose();
        }}
        onCancel={onClose}
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
          label={t.accounts.newPassword}
          hint={t.accounts.newPasswordHint}
          value={password}
          onValue={setPassword}
          maxLength={1024}
          autoComplete="new-password"
        />
        {own && (
          <Field
            type="password"
            label={t.accounts.currentPassword}
            hint={t.accounts.currentPasswordHint}
            value={current}
            onValue={setCurrent}
            maxLength={1024}
            autoComplete="current-password"
          />
        )}
        <Choices legend={t.accounts.roles} options={t.rights.roles} chosen={roles} onChosen={setRoles} />
        <details>
          <summary>{t.accounts.permissions}</summary>
          <Choices
            legend={t.accounts.permissionsBeside}
            options={t.rights.permissions}
            chosen={permissions}
            onChosen={setPermissions}
          />
        </details>
      </Form>
    </Dialog>
  );
}

const differs = (one: readonly string[], other: readonly string[]) =>
  one.length !== other.length || one.some((value) => !other.includes(value));
