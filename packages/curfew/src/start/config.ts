import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dialectNames } from '../dialects/names.ts';
import type { AttemptRule } from '../domain/attempts.ts';
import { day, hour, minute, second } from '../domain/limits.ts';
import { type AssuranceLevel, assuranceLevels, assuranceNames, type Policy } from '../domain/policy.ts';
import { CurfewError, isCurfewError } from '../errors.ts';
import { type Proxies, parseProxies } from '../http/proxies.ts';
import { showStore, storeForms } from '../stores/open.ts';

/*
 * Every setting is declared here once: its environment variable, its flag, how its text is read, what it is without
 * one, and its help. `curfew serve --help` and docs/configuration.md derive from it.
 */

type Option<Value> = {
  env: string;
  flag: string;
  /** What its text looks like, for the help. */
  form: string;
  help: string;
  /** The text that stands for the default; `undefined` where there is none. */
  fallback: string | undefined;
  /** @throws a plain `Error` whose message says what the text must be */
  read(text: string): Value;
  /** Its value is in no error. */
  secret?: true;
  /** It may hold a secret: the variable with `_FILE` behind its name says which file has the value instead. */
  file?: true;
  /** A text that is not meant for it, but was put there by something else, and counts as none. */
  ignore?: RegExp;
  /** Why a value is not safe, if it is not. */
  warn?(value: Value): string | undefined;
};

const option = <Value>(declaration: Option<Value>): Option<Value> => declaration;

const anyText = (text: string) => text;
const loopback = /^(127\.|localhost$|::1$)/;

export const options = {
  host: option({
    env: 'CURFEW_HOST',
    flag: '--host',
    form: 'address',
    help: 'Where to listen.',
    fallback: '127.0.0.1',
    read: host,
    warn: (host) =>
      loopback.test(host)
        ? undefined
        : 'the server speaks plain HTTP: put a proxy with TLS before it, or tokens cross the network readable',
  }),
  port: option({
    env: 'CURFEW_PORT',
    flag: '--port',
    form: 'number',
    help: 'Where to listen; 0 picks a free port.',
    fallback: '2873',
    read: (text) => integer(text, 0, 65_535),
    // Kubernetes tells every container of a service called `curfew` in this way.
    ignore: /^(tcp|udp|sctp):\/\//,
  }),
  store: option({
    env: 'CURFEW_STORE',
    flag: '--store',
    form: storeForms,
    help: 'Where sessions are kept.',
    fallback: 'lmdb:./curfew-data',
    file: true,
    read: (text) => {
      showStore(text);
      return text;
    },
  }),
  dialects: option({
    env: 'CURFEW_DIALECTS',
    flag: '--dialects',
    form: 'names',
    help: `Systems whose clients are understood: ${dialectNames.join(', ')}; \`all\` or \`none\`.`,
    fallback: 'all',
    read: (text) => {
      if (text === 'all') return [...dialectNames];
      if (text === 'none') return [];
      return text.split(',').map((name) => oneOf(name.trim(), dialectNames));
    },
  }),
  leaseMs: option({
    env: 'CURFEW_LEASE_MS',
    flag: '--lease-ms',
    form: 'milliseconds',
    help: 'How long a cache may trust itself without word from the server.',
    fallback: '2000',
    read: (text) => integer(text, 100, 60_000),
  }),
  cacheSessions: option({
    env: 'CURFEW_CACHE_SESSIONS',
    flag: '--cache-sessions',
    form: 'number',
    help: 'Sessions that the server itself remembers at most; about 2 KB each.',
    fallback: '20000',
    read: (text) => integer(text, 1, 10_000_000),
  }),
  drainMs: option({
    env: 'CURFEW_DRAIN_MS',
    flag: '--drain-ms',
    form: 'milliseconds',
    help: 'How long a server that is told to stop (SIGTERM) goes on while `/readyz` says that it goes; not where nobody has asked that in the last minute.',
    fallback: '5000',
    read: (text) => integer(text, 0, 300_000),
  }),
  assurance: option<AssuranceLevel | undefined>({
    env: 'CURFEW_ASSURANCE',
    flag: '--assurance',
    form: 'aal1 | aal2 | aal3',
    help: 'The assurance level of NIST SP 800-63B-4 whose limits sessions keep to.',
    fallback: undefined,
    read: (text) => oneOf(text, assuranceNames),
    warn: (level) => (level === undefined ? undefined : assuranceNotes[level]),
  }),
  absolute: option({
    env: 'CURFEW_ABSOLUTE',
    flag: '--absolute',
    form: 'duration',
    help: 'How long a session lives at most, whatever happens.',
    fallback: '30d',
    read: (text) => duration(text, minute, 3650 * day),
    warn: (value) => (value > 90 * day ? 'a stolen session lives that long' : undefined),
  }),
  idle: option({
    env: 'CURFEW_IDLE',
    flag: '--idle',
    form: 'duration',
    help: 'How long a session lives without activity.',
    fallback: '7d',
    read: (text) => duration(text, 10 * second, 3650 * day),
  }),
  maxSessions: option({
    env: 'CURFEW_MAX_SESSIONS',
    flag: '--max-sessions',
    form: 'number',
    help: 'How many sessions a user may have at once; 0 is as many as they like.',
    fallback: '0',
    read: (text) => integer(text, 0, 10_000),
  }),
  excess: option<Policy['excess']>({
    env: 'CURFEW_EXCESS',
    flag: '--excess',
    form: 'replace | refuse',
    help: 'What a sign-in over that number does: replace the oldest session, or be refused.',
    fallback: 'replace',
    read: (text) => oneOf(text, ['replace', 'refuse'] as const),
  }),
  keepEnded: option({
    env: 'CURFEW_KEEP_ENDED',
    flag: '--keep-ended',
    form: 'duration',
    help: 'How long ended sessions and the change log are kept; an hour at least.',
    fallback: '1d',
    read: (text) => duration(text, hour, 3650 * day),
  }),
  keepEvents: option({
    env: 'CURFEW_KEEP_EVENTS',
    flag: '--keep-events',
    form: 'duration',
    help: 'How long the audit trail is kept.',
    fallback: '90d',
    read: (text) => duration(text, hour, 36_500 * day),
  }),
  loginAttempts: option({
    env: 'CURFEW_LOGIN_ATTEMPTS',
    flag: '--login-attempts',
    form: 'number/duration',
    help: 'Sign-ins that may fail for one account; and as many from each device that has signed in to it.',
    fallback: '10/15m',
    read: (text) => rate(text),
    warn: (rule) => (rule.max > 1000 ? 'passwords can be guessed' : undefined),
  }),
  addressAttempts: option({
    env: 'CURFEW_ADDRESS_ATTEMPTS',
    flag: '--address-attempts',
    form: 'number/duration',
    help: 'Sign-ins from one address; of IPv6, from one network of 64 bits.',
    fallback: '300/15m',
    read: (text) => rate(text),
    warn: (rule) => (rule.max > 100_000 ? 'passwords can be guessed' : undefined),
  }),
  factorAttempts: option({
    env: 'CURFEW_FACTOR_ATTEMPTS',
    flag: '--factor-attempts',
    form: 'number/duration',
    help: 'Second factors that may be wrong for one account.',
    fallback: '5/5m',
    read: (text) => rate(text),
    warn: (rule) => (rule.max > 100 ? 'a code has six digits and can be guessed' : undefined),
  }),
  factorFailures: option({
    env: 'CURFEW_FACTOR_FAILURES',
    flag: '--factor-failures',
    form: 'number/duration',
    help: 'Second factors that may be wrong in a row for one account, over days; an administrator who removes the factor lifts it.',
    fallback: '100/30d',
    read: (text) => rate(text, 365 * day),
    warn: (rule) => (rule.max > 100 ? 'NIST SP 800-63B allows no more than 100' : undefined),
  }),
  rocketchatCalls: option<AttemptRule | undefined>({
    env: 'CURFEW_ROCKETCHAT_CALLS',
    flag: '--rocketchat-calls',
    form: 'number/duration | off',
    help: 'Calls of one Rocket.Chat route from one address; `off` counts none.',
    fallback: '10/1m',
    read: (text) => (text === 'off' ? undefined : rate(text)),
  }),
  directusAccess: option({
    env: 'CURFEW_DIRECTUS_ACCESS',
    flag: '--directus-access',
    form: 'duration',
    help: 'How long a Directus access token is good for; it dies with its session all the same.',
    fallback: '15m',
    read: (text) => duration(text, 10 * second, day),
  }),
  directusSession: option({
    env: 'CURFEW_DIRECTUS_SESSION',
    flag: '--directus-session',
    form: 'duration',
    help: "How long the cookie of Directus's mode `session` is good for without a refresh.",
    fallback: '1d',
    read: (text) => duration(text, 10 * second, 30 * day),
  }),
  trustProxy: option<Proxies>({
    env: 'CURFEW_TRUST_PROXY',
    flag: '--trust-proxy',
    form: 'true | false | number | addresses',
    help:
      'Which proxies are believed about the address of a client: addresses and ranges, or `loopback`, `linklocal`, ' +
      '`uniquelocal`, with commas between; or how many stand one behind the other.',
    fallback: 'false',
    read: parseProxies,
    warn(value) {
      if (value === true) return 'any client can claim any address; name the addresses of the proxies';
      if (typeof value !== 'number') return undefined;
      return 'whoever reaches the server past the proxies can claim any address; name their addresses, or let nobody past';
    },
  }),
  issuer: option({
    env: 'CURFEW_ISSUER',
    flag: '--issuer',
    form: 'text',
    help: 'What authenticator apps show beside the account.',
    fallback: 'Curfew',
    read: anyText,
  }),
  logLevel: option({
    env: 'CURFEW_LOG_LEVEL',
    flag: '--log-level',
    form: 'level',
    help: 'fatal, error, warn, info, debug or silent.',
    fallback: 'info',
    read: (text) => oneOf(text, ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const),
  }),
  logFile: option({
    env: 'CURFEW_LOG_FILE',
    flag: '--log-file',
    form: 'path',
    help: 'Where the log goes; without, to standard output. SIGHUP opens it again, once the old one was renamed.',
    fallback: undefined,
    read: anyText,
  }),
  acceptClock: option({
    env: 'CURFEW_ACCEPT_CLOCK',
    flag: '--accept-clock',
    form: 'true | false',
    help: 'Believe a clock that is behind what an embedded store has written down.',
    fallback: 'false',
    read: boolean,
    warn: (value) => (value ? 'sessions may live longer than their limits' : undefined),
  }),
  maxClockOffset: option({
    env: 'CURFEW_MAX_CLOCK_OFFSET',
    flag: '--max-clock-offset',
    form: 'duration',
    help: "How far this machine's clock may be off from the clock of a store on a server, which is the one that counts.",
    fallback: '1m',
    read: (text) => duration(text, second, day),
  }),
  endAllAfterFailover: option({
    env: 'CURFEW_END_ALL_AFTER_FAILOVER',
    flag: '--end-all-after-failover',
    form: 'true | false',
    help: 'End every session when the store was failed over or restored, in case that it lost ends.',
    fallback: 'false',
    read: boolean,
  }),
  secretKey: option({
    env: 'CURFEW_SECRET_KEY',
    flag: '--secret-key',
    form: '64 hex digits',
    help: "The servers' own key, the same for all servers on one store; without, it is read from a file.",
    fallback: undefined,
    secret: true,
    read: (text) => {
      if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
      throw new Error('must be 64 hex digits: `openssl rand -hex 32` makes them');
    },
  }),
  secretKeyFile: option({
    env: 'CURFEW_SECRET_KEY_FILE',
    flag: '--secret-key-file',
    form: 'path',
    help: 'Where that key is, as 64 hex digits; without, the file secret.key in the folder of an embedded store.',
    fallback: undefined,
    read: anyText,
  }),
  adminUsername: option({
    env: 'CURFEW_ADMIN_USERNAME',
    flag: '--admin-username',
    form: 'name',
    help: 'The first account, made on an empty store.',
    fallback: 'admin',
    read: anyText,
  }),
  adminEmail: option({
    env: 'CURFEW_ADMIN_EMAIL',
    flag: '--admin-email',
    form: 'address',
    help: 'Its e-mail address.',
    fallback: undefined,
    read: anyText,
  }),
  adminPassword: option({
    env: 'CURFEW_ADMIN_PASSWORD',
    flag: '--admin-password',
    form: 'text',
    help: 'Its password; without, a random one is printed once.',
    fallback: undefined,
    secret: true,
    file: true,
    read: anyText,
  }),
  apiKey: option({
    env: 'CURFEW_API_KEY',
    flag: '--api-key',
    form: 'cfk_…',
    help: 'The first API key, made on an empty store; without, a random one is printed once.',
    fallback: undefined,
    secret: true,
    file: true,
    read: anyText,
  }),
} as const;

/** What a level asks for besides, which no limit gives. */
const assuranceNotes: Partial<Record<AssuranceLevel, string>> = {
  aal2: 'the level also takes a second factor at each sign-in, which Curfew asks of the accounts that have enrolled one',
  aal3: 'the level also takes a phishing-resistant second factor at each sign-in, which Curfew does not have',
};

type Options = typeof options;
export type SettingName = keyof Options;

/** What the settings come to. Durations in milliseconds. */
export type Settings = {
  [Name in SettingName]: Options[Name] extends Option<infer Value>
    ? Options[Name]['fallback'] extends undefined
      ? Value | undefined
      : Value
    : never;
};

/** Variables of the environment that begin with CURFEW_ and are no setting of the server: they are the client's. */
const ofClient = ['CURFEW_URL', 'CURFEW_TOKEN', 'CURFEW_TOKEN_FILE'];

/**
 * What Kubernetes puts into every container of a namespace for a service whose name begins with `curfew`, besides
 * `CURFEW_PORT`: `CURFEW_SERVICE_HOST`, `CURFEW_PORT_2873_TCP_ADDR`, `CURFEW_REDIS_PORT` and so on.
 */
const ofKubernetes =
  /^CURFEW_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

type Environment = Record<string, string | undefined>;

/**
 * Reads the settings: a flag counts before the environment, that before the default. A variable that is empty is one
 * that is not set.
 * @throws `config_invalid`, naming the setting, its value (unless it is secret) and what it must be
 */
export function readSettings(
  env: Environment,
  flags: Partial<Record<SettingName, string>> = {},
): { settings: Settings; warnings: string[] } {
  const declarations = Object.entries(options) as [SettingName, Option<unknown>][];
  const known = new Set(ofClient);
  const settings: Record<string, unknown> = {};
  const given = new Set<SettingName>();
  for (const [name, declared] of declarations) {
    known.add(declared.env);
    if (declared.file) known.add(fileVariable(declared.env));
    const set = flagOf(declared, flags[name]) ?? variableOf(declared, env);
    if (set !== undefined) given.add(name);
    const text = set ?? declared.fallback;
    settings[name] = text === undefined ? undefined : readOne(declared, text);
  }
  const read = keepToLevel(settings as Settings, given);
  if (read.secretKey !== undefined && read.secretKeyFile !== undefined) {
    throw invalid('CURFEW_SECRET_KEY and CURFEW_SECRET_KEY_FILE are both set; leave one of them out');
  }
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith('CURFEW_') && !known.has(name) && !ofKubernetes.test(name))
    .map((name) => `${name} is not a setting and is ignored.`);
  for (const [name, declared] of declarations) {
    const value = read[name];
    const why = value === undefined ? undefined : declared.warn?.(value);
    if (why) warnings.push(`${declared.env}: ${why}.`);
  }
  if (read.idle > read.absolute)
    warnings.push('CURFEW_IDLE: it is longer than CURFEW_ABSOLUTE, which takes precedence.');
  return { settings: read, warnings };
}

/**
 * The settings with the limits of their assurance level. What was given may be stricter, and stands; a default gives way.
 * @throws `config_invalid` when a limit that was given is laxer than the level allows, naming both
 */
function keepToLevel(settings: Settings, given: ReadonlySet<SettingName>): Settings {
  if (settings.assurance === undefined) return settings;
  const most: Partial<Pick<Policy, 'absolute' | 'idle'>> = assuranceLevels[settings.assurance];
  const keep = (name: 'absolute' | 'idle', longest: number = most[name] ?? Number.POSITIVE_INFINITY): number => {
    const value = settings[name];
    if (value <= longest) return value;
    if (!given.has(name)) return longest;
    const level = `${options.assurance.env}=${settings.assurance}`;
    throw invalid(`${options[name].env}: ${shown(value)} is longer than ${level} allows, which is ${shown(longest)}`);
  };
  const absolute = keep('absolute');
  const idle = keep('idle');
  return { ...settings, absolute, idle: given.has('idle') ? idle : Math.min(idle, absolute) };
}

/**
 * A variable, or the content of the file that the variable with `_FILE` behind its name names; `undefined` where neither
 * is there. An empty variable counts as none: that is what `${NAME:-}` leaves in a file for Compose.
 * @throws `config_invalid` when both are there, or the file cannot be read or is empty
 */
export function readSecret(env: Environment, name: string): string | undefined {
  const path = env[fileVariable(name)] || undefined;
  const text = env[name] || undefined;
  if (path === undefined) return text;
  if (text !== undefined) throw invalid(`${name} and ${fileVariable(name)} are both set; leave one of them out`);
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`${fileVariable(name)}: ${(error as Error).message}`, error);
  }
  // Editors and `echo` end a file with a line break that is no part of the secret.
  const secret = content.replace(/\r?\n$/, '');
  if (secret === '') throw invalid(`${fileVariable(name)}: ${path} is empty`);
  return secret;
}

function fileVariable(name: string): string {
  return `${name}_FILE`;
}

function variableOf({ env: name, file, ignore }: Option<unknown>, env: Environment): string | undefined {
  const text = file ? readSecret(env, name) : env[name] || undefined;
  return text !== undefined && ignore?.test(text) ? undefined : text;
}

/** Whoever writes a flag means it: an empty one is a variable of a script that was not set. */
function flagOf({ flag, env }: Option<unknown>, text: string | undefined): string | undefined {
  if (text === '') throw invalid(`${env}: ${flag} has no value; give it one, or leave it out`);
  return text;
}

function invalid(what: string, cause?: unknown): CurfewError {
  return new CurfewError('config_invalid', { detail: `${what}.` }, cause);
}

function readOne(declared: Option<unknown>, text: string): unknown {
  try {
    return declared.read(text);
  } catch (error) {
    if (isCurfewError(error)) throw error;
    const value = declared.secret ? 'Its value' : JSON.stringify(text);
    throw invalid(`${declared.env}: ${value} ${(error as Error).message}`);
  }
}

/** An address, also in brackets as a URL has it, or a name. */
function host(text: string): string {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (isIP(bare) !== 0) return bare;
  if (bare === text && /^(?![\d.]+$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/.test(text)) return text;
  throw new Error('must be an address or the name of a host, without a port; 0.0.0.0 and :: are every address');
}

function integer(text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`must be a whole number from ${least} to ${most}`);
}

function boolean(text: string): boolean {
  return oneOf(text, ['true', 'false'] as const) === 'true';
}

function oneOf<const Value extends string>(text: string, values: readonly Value[]): Value {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new Error(`must be one of ${values.join(', ')}`);
}

/** Durations as people write them: an error shows those that the setting takes. */
const examples = { '90s': 90 * second, '15m': 15 * minute, '12h': 12 * hour, '30d': 30 * day };

const units: Record<string, number> = { ms: 1, s: second, m: minute, h: hour, d: day };

function duration(text: string, least: number, most: number): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const value = Number(number) * units[unit ?? '']!;
  if (value >= least && value <= most) return value;
  const fitting = Object.entries(examples).flatMap(([one, length]) => (length >= least && length <= most ? one : []));
  throw new Error(`must be a duration such as ${fitting.join(' or ')}, from ${shown(least)} to ${shown(most)}`);
}

/** A duration as it is written in settings. */
export function shown(milliseconds: number): string {
  const [unit, size] = Object.entries(units)
    .reverse()
    .find(([, candidate]) => milliseconds % candidate === 0)!;
  return `${milliseconds / size}${unit}`;
}

function rate(text: string, longest = day): AttemptRule {
  const [max, window] = text.split('/');
  return { max: integer(max ?? '', 1, 1_000_000), window: duration(window ?? '', second, longest) };
}
