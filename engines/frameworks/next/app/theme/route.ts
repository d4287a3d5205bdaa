import { sessions } from '../../lib/sessions';

export const GET = sessions.route({}, () => new Response('themed', { headers: { 'set-cookie': 'theme=dark' } }));
