import { json, type RequestHandler } from '@sveltejs/kit';

export const GET: RequestHandler = ({ locals: { curfewSession } }) =>
  json({ userId: curfewSession?.userId, plan: curfewSession?.metadata.plan });
