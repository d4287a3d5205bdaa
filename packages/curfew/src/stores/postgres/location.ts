import { CurfewError } from '../../errors.ts';

/** Where a store is, and how it is spoken to. Durations in milliseconds. */
export type Location = {
  /** For the driver: with the password, without our own parameters. */
  url: string;
  /** For people: without the password. */
  shown: string;
  /** Settings of the server for these connections, as the URL has them. */
  options: string;
  schema: string;
  connections: number;
  statementTimeout: number;
  connectTimeout: number;
  /** Whether a node's renewal waits for the synchronous standbys, as every other write does. */
  renewals: 'local' | 'synchronous';
};

const ours = {
  schema: 'curfew',
  connections: '10',
  statement_timeout: '5000',
  connect_timeout: '5000',
  renewals: 'local',
} as const;

/**
 * Reads a `postgres://` URL. Our own parameters: `schema`, `connections`, `statement_timeout` and `connect_timeout`
 * (milliseconds), `renewals`; the rest, such as `sslmode`, is the driver's.
 * @throws `config_invalid`, without the password
 */
export function parseLocation(text: string): Location {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid('must be postgres://user:password@host:port/database; escape special characters as %xx');
  }
  const take = (name: keyof typeof ours) => {
    const value = url.searchParams.get(name) ?? ours[name];
    url.searchParams.delete(name);
    return value;
  };
  const number = (name: keyof typeof ours, least: number, most: number) => {
    const value = take(name);
    if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    throw invalid(`has ${name}=${value}, which must be a whole number from ${least} to ${most}`);
  };
  if (url.pathname.length < 2) throw invalid('names no database: postgres://user:password@host:port/database');
  const schema = take('schema');
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw invalid(`has schema=${schema}, which must be a lower-case name of a-z 0-9 _`);
  }
  const renewals = take('renewals');
  if (renewals !== 'local' && renewals !== 'synchronous') {
    throw invalid(`has renewals=${renewals}, which must be local or synchronous`);
  }
  const options = url.searchParams.get('options') ?? '';
  url.searchParams.delete('options');
  return {
    schema,
    options,
    connections: number('connections', 2, 1000),
    statementTimeout: number('statement_timeout', 100, 600_000),
    connectTimeout: number('connect_timeout', 100, 600_000),
    renewals,
    url: url.toString(),
    shown: `${url.protocol}//${url.username ? `${url.username}@` : ''}${url.host}${url.pathname}`,
  };
}

function invalid(what: string): CurfewError {
  return new CurfewError('config_invalid', { detail: `CURFEW_STORE: the postgres:// URL ${what}.` });
}
