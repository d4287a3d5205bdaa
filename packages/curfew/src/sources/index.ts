import { readFileSync } from 'node:fs';
import { CurfewError } from '../errors.ts';
import type { Kind } from './kind.ts';
import { authjs } from './kinds/authjs.ts';
import { betterAuth } from './kinds/better-auth.ts';
import { connectPgSimple } from './kinds/connect-pg-simple.ts';
import { connectRedis } from './kinds/connect-redis.ts';
import { django } from './kinds/django.ts';
import { lucia } from './kinds/lucia.ts';
import { type Path, parsePath } from './path.ts';
import type { Source } from './source.ts';

export type { Path } from './path.ts';
export { shownPath, userIdAt } from './path.ts';
export { type Found, type Source, Unreadable } from './source.ts';

const kinds: Readonly<Record<string, Kind>> = {
  'connect-redis': connectRedis,
  'connect-pg-simple': connectPgSimple,
  'better-auth': betterAuth,
  authjs,
  lucia,
  django,
};

export const kindNames: readonly string[] = Object.keys(kinds);

export type SourceOptions = {
  /** The URL of the store. */
  from: string;
  userId?: string | undefined;
  prefix?: string | undefined;
  table?: string | undefined;
  /** The file with the application's secret key. */
  secret?: string | undefined;
  /** The table of the application's users. */
  usersTable?: string | undefined;
};

export type OpenedSource = {
  source: Source;
  /** The kind of its sessions' aliases. */
  alias: string;
  /** Where the user's id is in a session's JSON. */
  user: readonly Path[];
  /** Whether use moves the end of a session. */
  slides: boolean;
  /** What keys begin with; `undefined` for a table. */
  prefix: string | undefined;
};

const engines = {
  redis: { begins: /^rediss?:\/\//, form: 'redis://user:password@host:port/database' },
  postgres: { begins: /^postgres(ql)?:\/\//, form: 'postgres://user:password@host:port/database' },
} as const;

/**
 * Opens the store of another application for reading.
 * @throws `import_option`, `source_unreachable`, `source_refused`, `source_unreadable`
 */
export async function openSource(name: string, options: SourceOptions): Promise<OpenedSource> {
  const kind = kinds[name]!;
  const { redis, postgres } = kind;
  const url = urlOf(name, kind, options.from);
  const isRedis = engines.redis.begins.test(options.from);
  const key = options.secret === undefined ? undefined : keyIn(options.secret);
  const ofDjango = { '--secret': options.secret, '--users-table': options.usersTable };
  if (isRedis) refuseUnused({ '--table': options.table, ...ofDjango }, `${name} in a Redis`);
  else refuseUnused({ '--prefix': options.prefix }, `${name} in a PostgreSQL`);
  if (name !== 'django') refuseUnused(ofDjango, name);
  if (key === undefined) refuseUnused({ '--users-table': options.usersTable }, `${name} without --secret`);
  const places = options.userId === undefined ? ((isRedis ? redis!.user : undefined) ?? kind.user) : [options.userId];
  const found = { alias: kind.alias, user: places.map(parsePath), slides: kind.slides };
  const place = { url: options.from, shown: shownUrl(url) };
  if (isRedis) {
    const { openRedisSource } = await import('./redis.ts');
    const prefix = options.prefix ?? redis!.prefix;
    return { ...found, prefix, source: await openRedisSource(place, kind, redis!, prefix) };
  }
  const { openPostgresSource } = await import('./postgres.ts');
  const table = options.table ?? postgres!.table;
  const reading = { kind, format: postgres!, key, usersTable: options.usersTable };
  return { ...found, prefix: undefined, source: await openPostgresSource(place, table, reading) };
}

/** The URL, if it can be one of this kind's. The errors contain nothing of it, because it has a password. */
function urlOf(name: string, kind: Kind, from: string): URL {
  const fitting = Object.entries(engines).filter(([engine]) => engine in kind);
  const forms = fitting.map(([, { form }]) => form).join(' or ');
  if (!fitting.some(([, { begins }]) => begins.test(from))) {
    const [scheme] = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(from) ?? [];
    throw option(`--from: ${name} is read from ${forms}${scheme ? `, and not from ${scheme}` : ''}`);
  }
  if (URL.canParse(from)) return new URL(from);
  throw option(`--from: it must be ${forms}; in a user name or a password / ? # @ are written as %2F %3F %23 %40`);
}

function shownUrl({ protocol, username, host, pathname }: URL): string {
  return `${protocol}//${username ? `${username}@` : ''}${host}${pathname}`;
}

function keyIn(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw option(`--secret: ${(error as Error).message}`);
  }
  if (text !== '') return text;
  throw option(`--secret: ${path} is empty`);
}

function refuseUnused(given: Readonly<Record<string, string | undefined>>, what: string): void {
  for (const [flag, value] of Object.entries(given)) {
    if (value !== undefined) throw option(`${flag} means nothing for ${what}`);
  }
}

function option(detail: string): CurfewError {
  return new CurfewError('import_option', { detail: `${detail}.` });
}
