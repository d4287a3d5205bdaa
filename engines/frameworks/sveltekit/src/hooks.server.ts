import { sessions } from './sessions.ts';

const open = ['/login', '/logout', '/refresh'];

export const handle = sessions(({ route: { id } }) => {
  if (id !== null && open.includes(id)) return undefined;
  if (id?.startsWith('/staff')) return { groups: ['staff'] };
  return id?.startsWith('/account') ? { signedInWithin: 15 * 60 } : {};
});
