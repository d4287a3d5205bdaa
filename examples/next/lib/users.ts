import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';

/** Your users, from your own database. Curfew knows only their ids. */
const users: ReadonlyMap<string, { salt: Buffer; hash: Buffer }> = new Map([['ada', hashed('a long password')]]);

export function isPasswordOf(user: unknown, password: unknown): user is string {
  const found = users.get(String(user));
  return found !== undefined && timingSafeEqual(scryptSync(String(password), found.salt, 32), found.hash);
}

function hashed(password: string) {
  const salt = randomBytes(16);
  return { salt, hash: scryptSync(password, salt, 32) };
}
