import { redirect } from 'next/navigation';
import { curfew, sessions } from '../lib/sessions';
import { signOut, signOutEverywhere } from './actions';

export default async function Home() {
  const found = await sessions.read();
  if ('refusal' in found) redirect('/login');
  const { userId } = found.session;
  const { total } = await curfew.listUserSessions({ userId });
  return (
    <>
      <h1>Shop</h1>
      <output>
        {`Hello ${userId}. You are signed in ${total === 1 ? 'on this device only' : `on ${total} devices`}.`}
      </output>
      <form action={signOut}>
        <button type="submit">Sign out</button>
      </form>
      <form action={signOutEverywhere}>
        <button type="submit">Sign out everywhere</button>
      </form>
    </>
  );
}
