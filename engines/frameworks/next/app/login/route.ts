import { sessions } from '../../lib/sessions';

export async function POST(request: Request) {
  const { userId } = await request.json();
  // After your own check of the password:
  await sessions.signIn({ userId, metadata: { plan: 'paid' } }, request);
  return new Response('signed in');
}
