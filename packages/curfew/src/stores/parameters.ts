import { readFileSync } from 'node:fs';
import { fromHome } from '../home.ts';

/**
 * The parameters of a store's URL, each at most once. An unknown one is refused, since the URL's author relies on it.
 * @throws the error that `refuse` makes of the problem
 */
export function readParameters<Name extends string>(
  url: URL,
  known: readonly Name[],
  refuse: (what: string) => Error,
): Partial<Record<Name, string>> {
  if (url.hash !== '') throw refuse('has a # that begins nothing; in a password it is written as %23');
  const found: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    if (!known.includes(name as Name)) {
      throw refuse(`has the unknown parameter ${JSON.stringify(name)}; it takes ${known.toSorted().join(', ')}`);
    }
    if (name in found) throw refuse(`has ${name} more than once`);
    if (value === '') throw refuse(`has ${name} without a value`);
    found[name] = value;
  }
  return found as Partial<Record<Name, string>>;
}

/**
 * What is in the files that such parameters name. It is read again for each connection, because certificates are renewed
 * while a process runs; a file that cannot be read at that moment counts as it was.
 * @throws the error that `refuse` makes of the problem, if one cannot be read now
 */
export function filesOf<Name extends string>(
  names: readonly Name[],
  paths: { readonly [Each in Name]?: string | undefined },
  refuse: (what: string) => Error,
): () => Partial<Record<Name, Buffer>> {
  const read = (name: Name): [Name, Buffer][] => {
    const path = paths[name];
    if (path === undefined) return [];
    try {
      return [[name, readFileSync(fromHome(path))]];
    } catch (error) {
      throw refuse(`has ${name}=${path}, which cannot be read: ${(error as Error).message}`);
    }
  };
  const readAll = () => Object.fromEntries(names.flatMap(read)) as Partial<Record<Name, Buffer>>;
  let contents = readAll();
  return () => {
    try {
      contents = readAll();
    } catch {
      // They are probably being replaced.
    }
    return contents;
  };
}

/**
 * What is wrong with a URL that has an `@` after its servers: as a rule its password contains a `/`, `?` or `#`, and
 * what follows that must not be quoted.
 */
export const unescaped =
  'has an @ after its host; in a user name or a password / ? # @ are written as %2F %3F %23 %40, and elsewhere @ as %40';

/**
 * Whether a URL without a login has something in place of its servers that may be one, because its @ is missing: an error
 * must not quote it.
 */
export function mayBeLogin(servers: string): boolean {
  return /:(?!\d+(,|$))/.test(servers.replaceAll(/\[[^\]]*\]/g, ''));
}

export const loginWithoutEnd =
  'has a colon that no port follows, before its path; if a user name and a password stand there, an @ must follow them';

/** A server in a URL's list: its name or address, and its port. A host may be a path, and escaped. */
export type Server = { host: string; port: number };

/** Reads `host`, `host:port`, or an IPv6 address in brackets; `undefined` if it is none of them. */
export function readServer(text: string, defaultPort: string): Server | undefined {
  const [, v6, name, own] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:,[\]\s]+))(?::([^:]*))?$/.exec(text) ?? [];
  const port = own || defaultPort;
  if ((v6 ?? name) === undefined || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    return undefined;
  }
  return { host: v6 ?? decoded(name!), port: Number(port) };
}

/** A decoded part of a URL, or the part unchanged if it has an invalid `%`. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
