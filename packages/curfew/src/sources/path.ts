import { CurfewError } from '../errors.ts';
import { isObject, Unreadable } from './source.ts';

/** Where in a session's JSON something is: names, and places in lists. */
export type Path = readonly string[];

/** A name with nothing that would need quotes, after a dot unless it comes first; or a quoted name or a number in brackets. */
const step = /(?:^|(?!^)\.)([\p{L}\p{N}_$@-]+)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]/uy;

/**
 * Reads `passport.user`, `user.ids[0]` or `["https://example.com/id"].value`. It only names a place: nothing is evaluated.
 * @throws `import_option`
 */
export function parsePath(text: string): Path {
  const path: string[] = [];
  for (let at = 0; at < text.length; at = step.lastIndex) {
    step.lastIndex = at;
    const [, name, place, quoted] = step.exec(text) ?? refuse(text, at);
    path.push(name ?? place ?? nameIn(text, quoted!, at));
  }
  return path.length > 0 ? path : refuse(text, 0);
}

function nameIn(text: string, quoted: string, at: number): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return refuse(text, at);
  }
}

function refuse(text: string, at: number): never {
  const where = text === '' ? 'It is empty' : `${JSON.stringify(text)} cannot be read from character ${at + 1} on`;
  throw new CurfewError('import_option', {
    detail: `--user-id: ${where}.`,
    remedy: 'Name the place of the user\'s id in a session\'s JSON, such as passport.user, user.ids[0] or ["a.b"].id.',
  });
}

/** What is in that place; `undefined` if there is nothing. */
function at(json: unknown, path: Path): unknown {
  let value = json;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    // A list has its items and nothing else: `ids.0` and `ids[0]`, but no `ids.length`.
    if (Array.isArray(value) && !/^\d+$/.test(name)) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** A path as it may be written. */
export function shownPath(path: Path): string {
  const steps = path.map((name) =>
    /^\d+$/.test(name) ? `[${name}]` : /^[\p{L}\p{N}_$@-]+$/u.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`,
  );
  return steps.join('').replace(/^\./, '');
}

/**
 * The user's id in the first of these places with anything, as text; `undefined` if nobody is signed in.
 * @throws `user_id_invalid` if there is something else
 */
export function userIdAt(json: unknown, paths: readonly Path[]): string | undefined {
  const path = paths.find((one) => at(json, one) != null) ?? paths.at(-1)!;
  const value = at(json, path) ?? '';
  if (typeof value === 'string') return value || undefined;
  if (Number.isSafeInteger(value)) return String(value);
  const place = shownPath(path);
  const told = isObject(value)
    ? `an object with ${Object.keys(value).slice(0, 10).join(', ') || 'nothing in it'}: --user-id ${place}.… names what is in it`
    : typeof value === 'number'
      ? 'a number that is not whole, or too large to be exact'
      : Array.isArray(value)
        ? 'a list'
        : `a ${typeof value}`;
  throw new Unreadable('user_id_invalid', `${place} is ${told}.`);
}
