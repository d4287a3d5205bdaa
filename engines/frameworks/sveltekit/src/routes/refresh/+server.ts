import { type RequestHandler, text } from '@sveltejs/kit';
import { sessions } from '../../sessions.ts';

export const POST: RequestHandler = async (event) => {
  await sessions.refresh(event);
  return text('refreshed');
};
