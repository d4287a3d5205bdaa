import { sessions } from '../../lib/sessions';

export const GET = sessions.route({ signedInWithin: 15 * 60 }, () => new Response('a fresh sign-in'));
