'use server';

import { redirect } from 'next/navigation';
import { sessions } from '../../lib/sessions';

export async function logIn(form: FormData) {
  // After your own check of the password:
  await sessions.signIn({ userId: String(form.get('userId')), metadata: { plan: 'paid' } });
  redirect('/page');
}

export async function rename(form: FormData) {
  const found = await sessions.act({ signedInWithin: 15 * 60 });
  if ('refusal' in found) redirect('/form');
  const { userId } = found.session;
  redirect(`/form?${new URLSearchParams({ userId, name: String(form.get('name')) })}`);
}

export async function logOut() {
  await sessions.logOut();
  redirect('/form');
}
