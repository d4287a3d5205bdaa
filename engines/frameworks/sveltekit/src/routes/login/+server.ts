import { type RequestHandler, text } from '@sveltejs/kit';
import { sessions } from '../../sessions.ts';

export const POST: RequestHandler = async (event) => {
  const { userId } = await event.request.json();
  // After your own check of the password:
  await sessions.signIn(event, { userId, metadata: { plan: 'paid' } });
  return text('signed in');
};
