import { type RequestHandler, text } from '@sveltejs/kit';

export const GET: RequestHandler = () => text('staff only');
