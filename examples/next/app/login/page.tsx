'use client';

import { useActionState } from 'react';
import { signIn } from '../actions';

export default function SignIn() {
  const [problem, action, busy] = useActionState(signIn, '');
  return (
    <>
      <h1>Sign in</h1>
      <form action={action}>
        <label>
          User name <input name="user" autoComplete="username" required />
        </label>
        <label>
          Password <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <p role="alert">{problem}</p>
        <button type="submit" disabled={busy}>
          Sign in
        </button>
      </form>
    </>
  );
}
