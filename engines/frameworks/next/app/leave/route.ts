import { sessions } from '../../lib/sessions';

export const GET = sessions.route({}, async () => {
  await sessions.logOut();
  return new Response('signed out');
});
