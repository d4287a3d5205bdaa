import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * A path as a person gave it. At its beginning, `~/` is their home folder: a shell replaces it only where a word begins
 * with it, so not in `lmdb:~/data` and not in a variable of a service.
 * @throws a plain `Error`; its message is what the text must be
 */
export function fromHome(path: string): string {
  const [, user, rest = ''] = /^~([^/\\]*)(.*)$/s.exec(path) ?? [];
  if (user === undefined) return path;
  if (user === '') return join(homedir(), rest);
  throw new Error('must not begin with the ~ of another user; write ./~ if its name begins with ~');
}
