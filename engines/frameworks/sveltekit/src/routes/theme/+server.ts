import { type RequestHandler, text } from '@sveltejs/kit';

export const GET: RequestHandler = ({ cookies }) => {
  cookies.set('theme', 'dark', { path: '/' });
  return text('themed');
};
