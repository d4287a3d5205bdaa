import { shardTags } from '../../domain/ids.ts';
import { CurfewError } from '../../errors.ts';
import {
  decoded,
  filesOf,
  loginWithoutEnd,
  mayBeLogin,
  readParameters,
  readServer,
  type Server,
  unescaped,
} from '../parameters.ts';

/** Where a store is, and how to connect to it. */
export type Location = {
  /** For people, without the password. */
  shown: string;
  /** The prefix of all of its keys. */
  prefix: string;
  /** For the client of Redis; the socket has neither path nor host if Sentinel or the nodes of a Cluster provide them. */
  client: Login & { database: number; socket: { path: string } | (Server & Tls) | Tls };
  /** With TLS, what is now in its files. */
  files?: () => Files;
  sentinels?: Sentinels;
  /** Nodes of a Cluster, any of which knows the others. */
  cluster?: readonly Server[];
  /** Into how many groups a new store on a Cluster divides its users; in one slot if absent. */
  groups?: number;
};

/** The Sentinels that know which server is the primary. */
export type Sentinels = { servers: readonly Server[]; master: string; login: Login };

type Login = { username?: string; password?: string };
/** Files for TLS: the trusted authority, and the client's certificate. */
type Files = Partial<Record<(typeof fileNames)[number], Buffer>>;
export type Tls = ({ tls: true } & Files) | { tls?: never };

const fileNames = ['ca', 'cert', 'key'] as const;
const loginNames = ['sentinel_username', 'sentinel_password'] as const;
type Name = 'prefix' | 'db' | 'groups' | (typeof fileNames)[number] | (typeof loginNames)[number];

const defaultPort = '6379';
const defaultSentinelPort = '26379';
const defaultPrefix = 'curfew';

const forms =
  'redis://user:password@host:port/database, redis+sentinel://user:password@host:port,host:port/master/database, ' +
  'redis+cluster://user:password@host:port,host:port, any of them with rediss for TLS, or ' +
  'redis+unix://user:password@/path; escape special characters as %xx';

/** Its parts: scheme, user, password, servers, path, and the rest. */
const parts =
  /^(redis|rediss|redis\+unix|rediss?\+sentinel|rediss?\+cluster):\/\/(?:([^/?#:@]*)(?::([^/?#@]*))?@)?([^/?#@]*)(\/[^?#]*)?((?:\?[^#]*)?(?:#.*)?)$/s;

/**
 * Reads `redis://[[user]:password@]host[:port][/database]`;
 * `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master[/database]`, where the hosts are Sentinels, and
 * user and password are for the primary; those for the Sentinels are `sentinel_username` and `sentinel_password`;
 * `redis+cluster://[[user]:password@]host[:port][,host[:port]…]`, where the hosts are nodes of a Cluster;
 * `rediss` for TLS, which may name files: `ca`, `cert`, `key`; and `redis+unix://[[user]:password@]/path` for a Unix
 * socket, with the database as `db`. Each may have a `prefix`.
 * @throws `config_invalid`, without the password
 */
export function parseLocation(text: string): Location {
  const [, scheme, username, password, authority = '', path = '', rest = ''] = parts.exec(text) ?? [];
  if (scheme === undefined) throw invalid(`must be ${forms}`);
  const [how, tls] = [scheme.replace(/^rediss?\+?/, ''), scheme.startsWith('rediss')];
  // The path of a Unix socket may contain an @ as well; it follows no server, so what precedes it is not a password.
  if (rest.includes('@') || (path.includes('@') && authority !== '')) throw invalid(unescaped);
  if (username === undefined && mayBeLogin(authority)) throw invalid(loginWithoutEnd);
  const known: Name[] = ['prefix'];
  if (how === 'unix') known.push('db');
  if (how === 'sentinel') known.push(...loginNames);
  if (how === 'cluster') known.push('groups');
  if (tls) known.push(...fileNames);
  const given = readParameters(new URL(`redis://x/${rest}`), known, invalid);
  const { prefix = defaultPrefix } = given;
  if (!/^[A-Za-z0-9_.:-]{1,64}$/.test(prefix)) {
    throw invalid(`has prefix=${prefix}, which must be 1 to 64 characters of A-Z a-z 0-9 _ . : -`);
  }
  if ((given.cert === undefined) !== (given.key === undefined)) throw invalid('needs cert and key together');
  const named = prefix === defaultPrefix ? '' : `prefix=${prefix}`;
  const files = tls && { files: filesOf(fileNames, given, invalid) };
  const secured: Tls = tls ? { tls: true } : {};
  const login = loginOf(username, password);
  if (how === 'unix') {
    if (authority !== '' || path.length < 2) throw invalid('names no socket: redis+unix:///run/redis/redis.sock');
    const { db = '0' } = given;
    if (!/^\d{1,9}$/.test(db)) throw invalid(`has db=${db}, which must be the number of a database`);
    return {
      shown: `${scheme}://${decoded(path)}?${[`db=${db}`, named].filter(Boolean).join('&')}`,
      prefix: `${prefix}:`,
      client: { ...login, database: Number(db), socket: { path: decoded(path) } },
    };
  }
  const shown = `${scheme}://${authority}${path}${named && `?${named}`}`;
  if (how === 'sentinel') {
    const [, master = '', database = ''] = /^\/([^/]+)(?:\/(\d{0,9}))?$/.exec(path) ?? [];
    if (master === '') {
      throw invalid(
        `has the path ${path || '/'}, which must be the name that the Sentinels have for the primary and its replicas, and may be followed by the number of a database: /mymaster/0`,
      );
    }
    return {
      shown,
      prefix: `${prefix}:`,
      client: { ...login, database: Number(database), socket: secured },
      ...files,
      sentinels: {
        servers: authority.split(',').map((one) => serverOf(one, defaultSentinelPort)),
        master: decoded(master),
        login: loginOf(given.sentinel_username, given.sentinel_password),
      },
    };
  }
  if (how === 'cluster') {
    const { groups } = given;
    if (groups !== undefined && !(/^\d{1,3}$/.test(groups) && Number(groups) >= 2 && Number(groups) <= shardTags)) {
      throw invalid(`has groups=${groups}, which must be a number from 2 to ${shardTags}`);
    }
    if (!/^\/?0?$/.test(path)) throw invalid(`has the path ${path}, but a Cluster has only the database 0`);
    const inGroups = groups && `${named ? '&' : '?'}groups=${groups}`;
    return {
      shown: shown + (inGroups ?? ''),
      // The braces make it the hash tag of every key: all of them are in one slot, whatever tag follows.
      prefix: `{${prefix}}:`,
      client: { ...login, database: 0, socket: secured },
      ...files,
      cluster: authority.split(',').map((one) => serverOf(one, defaultPort)),
      ...(groups !== undefined && { groups: Number(groups) }),
    };
  }
  if (!/^(\/\d{0,9})?$/.test(path)) throw invalid(`has the path ${path}, which must be the number of a database`);
  return {
    shown,
    prefix: `${prefix}:`,
    client: { ...login, database: Number(path.slice(1)), socket: { ...serverOf(authority, defaultPort), ...secured } },
    ...files,
  };
}

const invalid = (what: string) =>
  new CurfewError('config_invalid', { detail: `CURFEW_STORE: the redis:// URL ${what}.` });

function serverOf(text: string, port: string): Server {
  const server = readServer(text, port);
  if (server) return server;
  throw invalid(`must be ${forms}, and ${JSON.stringify(text)} is not a host with a port`);
}

function loginOf(username: string | undefined, password: string | undefined): Login {
  return { ...(username && { username: decoded(username) }), ...(password && { password: decoded(password) }) };
}
