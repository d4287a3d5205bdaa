import { sessions } from '../../lib/sessions';

export const GET = sessions.route({}, () => {
  throw new Error('broken on purpose');
});
