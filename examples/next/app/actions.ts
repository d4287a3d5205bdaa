'use server';

import { redirect } from 'next/navigation';
import { curfew, sessions } from '../lib/sessions';
import { isPasswordOf } from '../lib/users';

export async function signIn(_before: string, form: FormData): Promise<string> {
  const user = form.get('user');
  if (!isPasswordOf(user, form.get('password'))) return 'The user name or the password is wrong.';
  await sessions.signIn({ userId: user });
  redirect('/');
}

export async function signOut() {
  await sessions.logOut();
  redirect('/login');
}

export async function signOutEverywhere() {
  const found = await sessions.act();
  if ('session' in found) await curfew.endUserSessions({ userId: found.session.userId, reason: 'logout' });
  redirect('/login');
}
