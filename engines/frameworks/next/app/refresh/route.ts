import { sessions } from '../../lib/sessions';

export async function POST() {
  await sessions.refresh();
  return new Response('refreshed');
}
