import { sessions } from '../../lib/sessions';

export async function POST() {
  await sessions.logOut();
  return new Response('signed out');
}
