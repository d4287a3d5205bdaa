import type { Account } from 'curfew-client';
import { useState } from 'preact/hooks';
import { changes } from '../../app/api.ts';
import { me } from '../../app/who.ts';
import { enteredOf, RoleChoices, WhoFields } from '../../parts/account-fields.tsx';
import { Choices } from '../../parts/choices.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Field } from '../../parts/field.tsx';
import { Form } from '../../parts/form.tsx';
import { Receipt, Said } from '../../parts/receipt.tsx';
import { say } from '../../parts/toast.tsx';
import { t } from '../../texts/index.ts';

/** User name, address, name, roles, permissions and password. Only what was changed is sent. */
export function EditAccount({ account, onClose }: { account: Account; onClose(): void }) {
  const [entered, setEntered] = useState(() => enteredOf(account));
  const [password, setPassword] = useState('');
  const [current, setCurrent] = useState('');
  const [permissions, setPermissions] = useState(account.permissions);
  const [done, setDone] = useState<Awaited<ReturnType<typeof changes.updateAccount>>>();
  const own = me.get()?.account?.id === account.id;
  const { roles } = entered;
  const [username, name, email] = [entered.username, entered.name, entered.email].map((text) => text.trim());
  const changed = {
    ...(username !== account.username && { username }),
    ...(email !== (account.email ?? '') && { email: email || null }),
    ...(name !== (account.name ?? '') && { name: name || null }),
    ...(password !== '' && { password }),
    ...(differs(roles, account.roles) && { roles }),
    ...(differs(permissions, account.permissions) && { permissions }),
  };
  if (done?.receipt) {
    return (
      <Dialog title={t.common.saved} onClose={onClose}>
        <p>{t.accounts.endedByChange}</p>
        <Said>
          <Receipt receipt={done.receipt} />
        </Said>
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
        <WhoFields value={entered} onValue={setEntered} />
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
        <RoleChoices value={entered} onValue={setEntered} />
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
