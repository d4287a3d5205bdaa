import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { CurfewError } from '../../errors.ts';
import { readParameters } from '../parameters.ts';

/** Where a store is, and how it is spoken to. */
export type Location = {
  /** For people: without the password. */
  shown: string;
  /** What all of its keys begin with. */
  prefix: string;
  /** For the client of Redis. */
  client: {
    username?: string;
    password?: string;
    database: number;
    socket: { path: string } | { host: string; port: number } | ({ host: string; port: number; tls: true } & Files);
  };
};

/** Files that TLS takes: whom to believe, and who we are. */
type Files = Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>;

const defaultPort = 6379;
const defaultPrefix = 'curfew';

/**
 * Reads `redis://[[user]:password@]host[:port][/database]`; `rediss://` for TLS, which may name files: `ca`, `cert`, `key`;
 * `redis+unix://[[user]:password@]/path` for a socket of this machine, with the database as `db`. Each may have a `prefix`.
 * @throws `config_invalid`, without the password
 */
export function parseLocation(text: string): Location {
  // A URL with a name and without a host is none to the parser.
  const [, unix] = /^redis\+unix:\/\/(?:[^/@]*@)?\/(.*)$/s.exec(text) ?? [];
  const url = URL.parse(unix === undefined ? text : `${text.slice(0, -unix.length - 1)}socket/${unix}`);
  const invalid = (what: string) =>
    new CurfewError('config_invalid', { detail: `CURFEW_STORE: the redis:// URL ${what}.` });
  if (!url?.hostname || !/^redis(s|\+unix)?:$/.test(url.protocol)) {
    throw invalid(
      'must be redis://user:password@host:port/database, rediss:// or redis+unix://user:password@/path; escape special characters as %xx',
    );
  }
  const [path, tls] = [url.protocol === 'redis+unix:' ? decoded(url.pathname) : undefined, url.protocol === 'rediss:'];
  if (path !== undefined && (unix === undefined || path === '/')) {
    throw invalid('names no socket: redis+unix:///run/redis/redis.sock');
  }
  if (path === undefined && !/^(\/\d*)?$/.test(url.pathname)) {
    throw invalid(`has the path ${url.pathname}, which must be the number of a database`);
  }
  const known = ['prefix', ...(path === undefined ? [] : ['db']), ...(tls ? ['ca', 'cert', 'key'] : [])] as const;
  const given = readParameters(url, known as readonly ('prefix' | 'db' | keyof Files)[], invalid);
  const { prefix = defaultPrefix, db = '0' } = given;
  if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(prefix)) {
    throw invalid(`has prefix=${prefix}, which must be 1 to 64 characters of A-Z a-z 0-9 _ . : -`);
  }
  if (!/^\d{1,9}$/.test(db)) throw invalid(`has db=${db}, which must be the number of a database`);
  if ((given.cert === undefined) !== (given.key === undefined)) throw invalid('needs cert and key together');
  const named = prefix === defaultPrefix ? '' : `prefix=${prefix}`;
  const at = { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || defaultPort) };
  const files = Object.fromEntries(
    (['ca', 'cert', 'key'] as const).flatMap((name) =>
      given[name] === undefined ? [] : [[name, contentOf(name, given[name], invalid)]],
    ),
  ) as Files;
  return {
    shown:
      path === undefined
        ? `${url.protocol}//${url.host}${url.pathname}${named && `?${named}`}`
        : `${url.protocol}//${path}?${[`db=${db}`, named].filter(Boolean).join('&')}`,
    prefix: `${prefix}:`,
    client: {
      ...(url.username && { username: decoded(url.username) }),
      ...(url.password && { password: decoded(url.password) }),
      database: Number(path === undefined ? url.pathname.slice(1) : db),
      socket: path !== undefined ? { path } : tls ? { ...at, tls: true, ...files } : at,
    },
  };
}

/** A part as it is meant; as it stands where it holds a `%` that begins nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function contentOf(name: string, path: string, invalid: (what: string) => CurfewError): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw invalid(`has ${name}=${path}, which cannot be read: ${(error as Error).message}`);
  }
}
