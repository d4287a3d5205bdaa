import { type RequestHandler, text } from '@sveltejs/kit';

export const POST: RequestHandler = async ({ request }) => text((await request.json()).text);
