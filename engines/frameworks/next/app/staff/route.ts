import { sessions } from '../../lib/sessions';

export const GET = sessions.route({ groups: ['staff'] }, () => new Response('staff only'));
