import type { ConnectionOptions } from 'node:tls';
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
import { type Way, Ways } from './ways.ts';

/** Where a store is, and how to connect to it. Durations in milliseconds. */
export type Location = {
  ways: Ways;
  /** Bypasses a pooler, for what needs a dedicated connection; the same as `ways` if no other is named. */
  direct: Ways;
  /** Whether settings of a connection are lost, or apply to others, after a transaction. */
  shared: boolean;
  /** For the driver. */
  client: { user?: string; password?: string; database: string; application_name: string };
  /** For people, without the password. */
  shown: string;
  /** Settings of the server for these connections, as in the URL. */
  options: string;
  schema: string;
  connections: number;
  statementTimeout: number;
  connectTimeout: number;
  /** Whether a node's renewal waits for the synchronous standbys, as every other write does. */
  renewals: 'local' | 'synchronous';
};

type Invalid = (what: string) => CurfewError;

/** Curfew's own parameters, and their defaults. */
const ours = {
  schema: 'curfew',
  connections: '10',
  statement_timeout: '5000',
  connect_timeout: '5000',
  renewals: 'local',
  pooler: 'session',
} as const;
/** Parameters with the same meaning as in libpq. */
const ofLibpq = [
  'host',
  'port',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'target_session_attrs',
  'application_name',
  'options',
] as const;
const known = [...(Object.keys(ours) as (keyof typeof ours)[]), 'direct', ...ofLibpq] as const;
type Given = Partial<Record<(typeof known)[number], string>>;

const form = 'postgres://user:password@host:port/database';
const defaultPort = '5432';

/**
 * Reads a `postgres://` URL, which may name several servers, separated by commas. Curfew's own parameters are `schema`,
 * `connections`, `statement_timeout` and `connect_timeout` (milliseconds), `renewals`, `pooler` and `direct`; others
 * are libpq's.
 * @throws `config_invalid`, without the password
 */
export function parseLocation(text: string): Location {
  const [, user, password, authority, database, query, hash] =
    /^postgres(?:ql)?:\/\/(?:([^/?#:]*)(?::([^/?#]*))?@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?(#.*)?$/s.exec(text) ??
    [];
  if (authority === undefined) throw invalid(`must be ${form}; escape special characters as %xx`);
  if (`${database}${query}${hash}`.includes('@')) throw invalid(unescaped);
  if (user === undefined && mayBeLogin(authority)) throw invalid(loginWithoutEnd);
  const given: Given = readParameters(new URL(`postgres://x/?${query ?? ''}${hash ?? ''}`), known, invalid);
  const servers = serversOf(authority || given.host, authority ? undefined : given.port);
  if (!database) throw invalid(`names no database: ${form}`);
  const number = (name: keyof typeof ours, least: number, most: number) => {
    const value = given[name] ?? ours[name];
    if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    throw invalid(`has ${name}=${value}, which must be a whole number from ${least} to ${most}`);
  };
  const { schema = ours.schema, options = '', direct } = given;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw invalid(`has schema=${schema}, which must be a lower-case name of a-z 0-9 _`);
  }
  // A store is written to, so libpq's other values make no sense.
  oneOf(given, 'target_session_attrs', ['primary', 'read-write']);
  const manners = mannersOf(given);
  const waysTo = (all: typeof servers) => new Ways(all.map((server) => manners(server)));
  const ways = waysTo(servers);
  return {
    ways,
    direct: direct === undefined ? ways : waysTo(serversOf(direct, undefined)),
    shared: oneOf(given, 'pooler', ['session', 'transaction']) === 'transaction',
    schema,
    options,
    connections: number('connections', 2, 1000),
    statementTimeout: number('statement_timeout', 100, 600_000),
    connectTimeout: number('connect_timeout', 100, 600_000),
    renewals: oneOf(given, 'renewals', ['local', 'synchronous']) ?? ours.renewals,
    client: {
      ...(user && { user: decoded(user) }),
      ...(password && { password: decoded(password) }),
      database: decoded(database),
      application_name: given.application_name ?? 'curfew',
    },
    shown: `${/^\w+:\/\//.exec(text)![0]}${user ? `${user}@` : ''}${authority || given.host}/${database}`,
  };
}

/** Servers from `host:port,host:port`, or from separate hosts and ports. A host with `/` first is a socket's folder. */
function serversOf(hosts: string | undefined, ports: string | undefined): Server[] {
  if (!hosts) throw invalid(`names no host: ${form}`);
  const apart = ports?.split(',');
  const list = hosts.split(',');
  if (apart && apart.length > 1 && apart.length !== list.length) throw invalid('does not have as many ports as hosts');
  return list.map((one, i) => {
    const server = readServer(one, (apart && (apart[i] ?? apart[0])) || defaultPort);
    if (!server) throw invalid(`must be ${form}, and ${JSON.stringify(one)} is not a host with a port`);
    return server;
  });
}

/** With or without TLS, and the requirements on the server's certificate, as libpq's `sslmode` defines them. */
function mannersOf(given: Given): (server: Server) => Way[] {
  const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
  const root = given.sslrootcert === 'system' ? undefined : given.sslrootcert;
  // The system's authorities issue certificates to anybody, so only the name identifies the right server.
  const mode = oneOf(given, 'sslmode', modes) ?? (given.sslrootcert === 'system' ? 'verify-full' : 'prefer');
  if (given.sslrootcert === 'system' && mode !== 'verify-full') {
    throw invalid('has sslrootcert=system, which goes with sslmode=verify-full alone');
  }
  if (mode === 'verify-ca' && root === undefined) {
    throw invalid('has sslmode=verify-ca, which needs the certificate of the authority: sslrootcert');
  }
  if ((given.sslcert === undefined) !== (given.sslkey === undefined))
    throw invalid('needs sslcert and sslkey together');
  // With a root certificate `require` means `verify-ca`.
  const trust: ConnectionOptions | false =
    mode !== 'verify-full' &&
    (root === undefined || mode === 'allow' || mode === 'prefer'
      ? { rejectUnauthorized: false }
      : { checkServerIdentity: () => undefined });
  const read = filesOf(['sslrootcert', 'sslcert', 'sslkey'], { ...given, sslrootcert: root }, invalid);
  const tls = (): ConnectionOptions => {
    const { sslrootcert: ca, sslcert: cert, sslkey: key } = read();
    return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), ...trust };
  };
  const inOrder = { disable: [false], allow: [false, tls], prefer: [tls, false] }[mode as string] ?? [tls];
  return ({ host, port }) =>
    // A Unix socket needs no TLS.
    (host.startsWith('/') ? [false as const] : inOrder).map((ssl) => ({ host, port, ssl: ssl as Way['ssl'] }));
}

function oneOf<const Value extends string>(
  given: Given,
  name: keyof Given,
  values: readonly Value[],
): Value | undefined {
  const text = given[name];
  const found = values.find((value) => value === text);
  if (text === undefined || found !== undefined) return found;
  throw invalid(`has ${name}=${text}, which must be ${values.join(' or ')}`);
}

const invalid: Invalid = (what) =>
  new CurfewError('config_invalid', { detail: `CURFEW_STORE: the postgres:// URL ${what}.` });
