import { type RequestHandler, text } from '@sveltejs/kit';
import { sessions } from '../../sessions.ts';

export const POST: RequestHandler = async (event) => {
  await sessions.logOut(event);
  return text('signed out');
};
