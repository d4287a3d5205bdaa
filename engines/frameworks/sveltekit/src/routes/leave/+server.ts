import { type RequestHandler, text } from '@sveltejs/kit';
import { sessions } from '../../sessions.ts';

export const GET: RequestHandler = async (event) => {
  await sessions.logOut(event);
  return text('signed out');
};
