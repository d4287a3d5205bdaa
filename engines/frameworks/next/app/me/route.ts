import { sessions } from '../../lib/sessions';

export const GET = sessions.route({}, (_request, { userId, metadata }) =>
  Response.json({ userId, plan: metadata.plan }),
);
