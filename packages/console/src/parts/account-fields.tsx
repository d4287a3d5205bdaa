import type { Account } from 'curfew-client';
import { t } from '../texts/index.ts';
import { Choices } from './choices.tsx';
import { Field } from './field.tsx';

/** What is filled in about an account, as it stands in the fields. */
export type Entered = { username: string; name: string; email: string; roles: Account['roles'] };

export const enteredOf = ({ username, name = '', email = '', roles }: Account): Entered => ({
  username,
  name,
  email,
  roles,
});

type Props = { value: Entered; onValue(value: Entered): void };

/** Who it is. `missing`: the form was sent without a user name. */
export function WhoFields({ value, onValue, missing }: Props & { missing?: boolean | undefined }) {
  const set = (change: Partial<Entered>) => onValue({ ...value, ...change });
  return (
    <>
      <Field
        label={t.accounts.username}
        hint={t.accounts.usernameHint}
        value={value.username}
        onValue={(username) => set({ username })}
        maxLength={64}
        autoComplete="off"
        autoCapitalize="none"
        spellcheck={false}
        error={missing ? t.accounts.usernameMissing : undefined}
      />
      <Field
        label={t.accounts.nameField}
        value={value.name}
        onValue={(name) => set({ name })}
        maxLength={100}
        autoComplete="off"
      />
      <Field
        type="email"
        label={t.accounts.email}
        value={value.email}
        onValue={(email) => set({ email })}
        maxLength={254}
        autoComplete="off"
      />
    </>
  );
}

export function RoleChoices({ value, onValue }: Props) {
  return (
    <Choices
      legend={t.accounts.roles}
      options={t.rights.roles}
      chosen={value.roles}
      onChosen={(roles) => onValue({ ...value, roles })}
    />
  );
}
