import { sessions } from './sessions.ts';

const open = ['/login', '/logout', '/refresh'];

export const handle = sessions(({ url: { pathname } }) => {
  if (open.includes(pathname)) return undefined;
  if (pathname.startsWith('/staff')) return { groups: ['staff'] };
  return pathname.startsWith('/account') ? { signedInWithin: 15 * 60 } : {};
});
