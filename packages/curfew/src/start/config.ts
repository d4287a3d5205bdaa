import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { AttemptRules } from '../authority/context.ts';
import { dialectNames } from '../dialects/names.ts';
import type { AttemptRule } from '../domain/attempts.ts';
import { day, hour, minute, second } from '../domain/limits.ts';
import { type AssuranceLevel, assuranceLevels, assuranceNames, type Policy } from '../domain/policy.ts';
import { CurfewError, isCurfewError } from '../errors.ts';
import { fromHome } from '../home.ts';
import { type Proxies, parseProxies } from '../http/proxies.ts';
import { showStore } from '../stores/open.ts';

/*
 * Every setting is declared here once: its environment variable, its flag, how its text is read, its default and its
 * help. `curfew serve --help` and docs/configuration.md derive from it.
 */

type Option<Value> = {
  env: string;
  flag: string;
  /** The form of its text, for the help. */
  form: string;
  help: string;
  /** The default, as text; `undefined` if there is none. */
  fallback: string | undefined;
  /** @throws a plain `Error`; its message is what the text must be */
  read(text: string): Value;
  /** Errors do not show its value. */
  secret?: true;
  /** It may contain a secret: the variable whose name ends with `_FILE` can name a file with the value instead. */
  file?: true;
  /** Matches values that another program has put there and that count as not set. */
  ignore?: RegExp;
  /** Why a value is not safe, if it is not. */
  warn?(value: Value): string | undefined;
};

const option = <Value>(declaration: Option<Value>): Option<Value> => declaration;

const anyText = (text: string) => text;
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
const loopback = /^(127\.|localhost$|::1$)/;

export const options = {
  host: option({
    env: 'CURFEW_HOST',
    flag: '--host',
    form: 'address',
    help: 'The address to listen on.',
    fallback: '127.0.0.1',
    read: host,
    warn: (host) =>
      loopback.test(host)
        ? undefined
        : 'the server speaks plain HTTP: put a proxy with TLS in front of it, or tokens cross the network unencrypted',
  }),
  port: option({
    env: 'CURFEW_PORT',
    flag: '--port',
    form: 'number',
    help: 'The port to listen on; 0 picks a free one.',
    fallback: '2873',
    read: (text) => integer(text, 0, 65_535),
    // Kubernetes sets this in every container if there is a service called `curfew`.
    ignore: /^(tcp|udp|sctp):\/\//,
  }),
  store: option({
    env: 'CURFEW_STORE',
    flag: '--store',
    form: 'url',
    help: 'Where sessions are kept: lmdb:folder, postgres://…, redis://…, redis+sentinel://… or redis+cluster://…',
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
    help: `Systems whose clients are supported: ${dialectNames.join(', ')}; \`all\` or \`none\`.`,
    fallback: 'all',
    read: (text) => {
      if (text === 'all') return [...dialectNames];
      if (text === 'none') return [];
      return text.split(',').map((name) => oneOf(name.trim(), dialectNames));
    },
  }),
  console: option({
    env: 'CURFEW_CONSOLE',
    flag: '--console',
    form: 'on | off',
    help: 'Whether the web console is served at `/console`.',
    fallback: 'on',
    read: (text) => oneOf(text, ['on', 'off'] as const) === 'on',
  }),
  leaseMs: option({
    env: 'CURFEW_LEASE_MS',
    flag: '--lease-ms',
    form: 'milliseconds',
    help: 'How long a cache may trust its own state without contact with the server.',
    fallback: '2000',
    read: (text) => integer(text, 100, 60_000),
  }),
  cacheSessions: option({
    env: 'CURFEW_CACHE_SESSIONS',
    flag: '--cache-sessions',
    form: 'number',
    help: 'How many sessions the server itself caches at most; about 2 KB each.',
    fallback: '20000',
    read: (text) => integer(text, 1, 10_000_000),
  }),
  drainMs: option({
    env: 'CURFEW_DRAIN_MS',
    flag: '--drain-ms',
    form: 'milliseconds',
    help: 'How long a server still serves requests after SIGTERM, while `/readyz` reports `draining`; if nothing has asked for that in the last minute, it stops at once.',
    fallback: '5000',
    read: (text) => integer(text, 0, 300_000),
  }),
  assurance: option<AssuranceLevel | undefined>({
    env: 'CURFEW_ASSURANCE',
    flag: '--assurance',
    form: 'aal1 | aal2 | aal3',
    help: 'The assurance level of NIST SP 800-63B-4 whose limits apply to sessions.',
    fallback: undefined,
    read: (text) => oneOf(text, assuranceNames),
    warn: (level) => (level === undefined ? undefined : assuranceNotes[level]),
  }),
  absolute: option({
    env: 'CURFEW_ABSOLUTE',
    flag: '--absolute',
    form: 'duration',
    help: 'How long a session can last, whatever happens.',
    fallback: '30d',
    read: (text) => duration(text, minute, 3650 * day),
    warn: (value) => (value > 90 * day ? 'a stolen session lives that long' : undefined),
  }),
  idle: option({
    env: 'CURFEW_IDLE',
    flag: '--idle',
    form: 'duration',
    help: 'How long a session lasts without activity.',
    fallback: '7d',
    read: (text) => duration(text, 10 * second, 3650 * day),
  }),
  maxSessions: option({
    env: 'CURFEW_MAX_SESSIONS',
    flag: '--max-sessions',
    form: 'number',
    help: 'How many sessions a user may have at once; 0: no limit.',
    fallback: '0',
    read: (text) => integer(text, 0, 10_000),
  }),
  excess: option<Policy['excess']>({
    env: 'CURFEW_EXCESS',
    flag: '--excess',
    form: 'replace | refuse',
    help: 'What happens at a sign-in beyond that number: `replace` ends the oldest session, `refuse` refuses the sign-in.',
    fallback: 'replace',
    read: (text) => oneOf(text, ['replace', 'refuse'] as const),
  }),
  keepEnded: option({
    env: 'CURFEW_KEEP_ENDED',
    flag: '--keep-ended',
    form: 'duration',
    help: 'How long ended sessions and the change log are kept; at least an hour.',
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
    help: 'How many sign-ins to one account may fail; and as many again from each device that has signed in to it.',
    fallback: '10/15m',
    read: (text) => rate(text),
    warn: (rule) => (rule.max > 1000 ? 'passwords can be guessed' : undefined),
  }),
  addressAttempts: option({
    env: 'CURFEW_ADDRESS_ATTEMPTS',
    flag: '--address-attempts',
    form: 'number/duration',
    help: 'How many sign-ins one address may attempt; for IPv6, one 64-bit network.',
    fallback: '300/15m',
    read: (text) => rate(text),
    warn: (rule) => (rule.max > 100_000 ? 'passwords can be guessed' : undefined),
  }),
  factorAttempts: option({
    env: 'CURFEW_FACTOR_ATTEMPTS',
    flag: '--factor-attempts',
    form: 'number/duration',
    help: 'How many second factors may be wrong for one account.',
    fallback: '5/5m',
    read: (text) => rate(text),
    warn: (rule) => (rule.max > 100 ? 'a code has six digits and can be guessed' : undefined),
  }),
  factorFailures: option({
    env: 'CURFEW_FACTOR_FAILURES',
    flag: '--factor-failures',
    form: 'number/duration',
    help: 'How many second factors in a row may be wrong for one account, over days; an administrator lifts the block by removing the factor.',
    // NIST SP 800-63B-4, 3.2.2: no more than 100 in a row.
    fallback: '100/30d',
    read: (text) => rate(text, 365 * day),
    warn: (rule) => (rule.max > 100 ? 'NIST SP 800-63B allows no more than 100' : undefined),
  }),
  rocketchatCalls: option<AttemptRule | undefined>({
    env: 'CURFEW_ROCKETCHAT_CALLS',
    flag: '--rocketchat-calls',
    form: 'number/duration | off',
    help: 'How many calls of one Rocket.Chat route one address may make; `off`: no limit.',
    fallback: '10/1m',
    read: (text) => (text === 'off' ? undefined : rate(text)),
  }),
  directusAccess: option({
    env: 'CURFEW_DIRECTUS_ACCESS',
    flag: '--directus-access',
    form: 'duration',
    help: 'How long a Directus access token is valid; it always becomes invalid when its session ends.',
    fallback: '15m',
    read: (text) => duration(text, 10 * second, day),
  }),
  directusSession: option({
    env: 'CURFEW_DIRECTUS_SESSION',
    flag: '--directus-session',
    form: 'duration',
    help: "How long the cookie of Directus's mode `session` is valid without a refresh.",
    fallback: '1d',
    read: (text) => duration(text, 10 * second, 30 * day),
  }),
  trustProxy: option<Proxies>({
    env: 'CURFEW_TRUST_PROXY',
    flag: '--trust-proxy',
    form: 'true | false | number | addresses',
    help:
      'Which proxies are trusted to name the address of a client: addresses, ranges, `loopback`, `linklocal` or ' +
      '`uniquelocal`, separated by commas; or the number of proxies in a row.',
    fallback: 'false',
    read: parseProxies,
    warn(value) {
      if (value === true) return 'any client can claim any address; name the addresses of the proxies';
      if (Array.isArray(value) && value.includes('uniquelocal'))
        return 'any client with a private address can claim any address; name the addresses of the proxies';
      if (typeof value !== 'number') return undefined;
      return 'a client that reaches the server without the proxies can claim any address; name their addresses, or prevent that';
    },
  }),
  issuer: option({
    env: 'CURFEW_ISSUER',
    flag: '--issuer',
    form: 'text',
    help: 'The name that authenticator apps show beside the account.',
    fallback: 'Curfew',
    read: anyText,
  }),
  logLevel: option({
    env: 'CURFEW_LOG_LEVEL',
    flag: '--log-level',
    form: 'level',
    help: 'fatal, error, warn, info, debug or silent; by default, `info`, which includes every request, or `warn` if the log is written to a terminal.',
    fallback: undefined,
    read: (text) => oneOf(text, logLevels),
  }),
  logFile: option({
    env: 'CURFEW_LOG_FILE',
    flag: '--log-file',
    form: 'path',
    help: 'The file for the log; by default, standard output. After the file was renamed, SIGHUP opens a new one.',
    fallback: undefined,
    read: fromHome,
  }),
  acceptClock: option({
    env: 'CURFEW_ACCEPT_CLOCK',
    flag: '--accept-clock',
    form: 'true | false',
    help: 'Accept a clock that is behind the latest time in an embedded store.',
    fallback: 'false',
    read: boolean,
    warn: (value) => (value ? 'sessions may live longer than their limits' : undefined),
  }),
  maxClockOffset: option({
    env: 'CURFEW_MAX_CLOCK_OFFSET',
    flag: '--max-clock-offset',
    form: 'duration',
    help: "How far this machine's clock may differ from the clock of a store on a server, which is the one that counts.",
    fallback: '1m',
    read: (text) => duration(text, second, day),
  }),
  endAllAfterFailover: option({
    env: 'CURFEW_END_ALL_AFTER_FAILOVER',
    flag: '--end-all-after-failover',
    form: 'true | false',
    help: 'End every session when a server notices that the store was failed over or restored, in case it has lost ends; a restored snapshot of a whole volume or machine may go unnoticed.',
    fallback: 'false',
    read: boolean,
  }),
  secretKey: option({
    env: 'CURFEW_SECRET_KEY',
    flag: '--secret-key',
    form: '64 hex digits',
    help: "The servers' secret key, the same for all servers on one store; by default, it is read from a file.",
    fallback: undefined,
    secret: true,
    read: (text) => {
      if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
      throw new Error('must be 64 hex digits: `openssl rand -hex 32` generates them');
    },
  }),
  secretKeyFile: option({
    env: 'CURFEW_SECRET_KEY_FILE',
    flag: '--secret-key-file',
    form: 'path',
    help: 'The file with that key, as 64 hex digits; by default, secret.key in the folder of an embedded store.',
    fallback: undefined,
    read: fromHome,
  }),
  adminUsername: option({
    env: 'CURFEW_ADMIN_USERNAME',
    flag: '--admin-username',
    form: 'name',
    help: 'The user name of the first account, which is created on an empty store.',
    fallback: 'admin',
    read: anyText,
  }),
  adminEmail: option({
    env: 'CURFEW_ADMIN_EMAIL',
    flag: '--admin-email',
    form: 'address',
    help: 'The e-mail address of the first account.',
    fallback: undefined,
    read: anyText,
  }),
  adminPassword: option({
    env: 'CURFEW_ADMIN_PASSWORD',
    flag: '--admin-password',
    form: 'text',
    help: 'The password of the first account; by default, a random one is printed once.',
    fallback: undefined,
    secret: true,
    file: true,
    read: anyText,
  }),
  apiKey: option({
    env: 'CURFEW_API_KEY',
    flag: '--api-key',
    form: 'cfk_…',
    help: 'The first API key, which is created on an empty store; by default, a random one is printed once.',
    fallback: undefined,
    secret: true,
    file: true,
    read: anyText,
  }),
} as const;

/** What a level requires in addition to limits. */
const assuranceNotes: Partial<Record<AssuranceLevel, string>> = {
  aal2: 'the level also requires a second factor at each sign-in, which Curfew only requires of accounts that have enrolled one',
  aal3: 'the level also requires a phishing-resistant second factor at each sign-in, which Curfew does not have',
};

type Options = typeof options;
export type SettingName = keyof Options;

/** The values of the settings. Durations are in milliseconds. */
export type Settings = {
  [Name in SettingName]: Options[Name] extends Option<infer Value>
    ? Options[Name]['fallback'] extends undefined
      ? Value | undefined
      : Value
    : never;
};

export function policyOf({ absolute, idle, maxSessions, excess }: Settings): Policy {
  return { absolute, idle, maxSessions: maxSessions || undefined, excess };
}

export function attemptsOf(settings: Settings): AttemptRules {
  return {
    loginOfAccount: settings.loginAttempts,
    loginFromAddress: settings.addressAttempts,
    secondFactor: settings.factorAttempts,
    secondFactorInARow: settings.factorFailures,
  };
}

/** Environment variables that begin with CURFEW_ and are settings of the client, not of the server. */
const ofCommands = ['CURFEW_URL', 'CURFEW_TOKEN', 'CURFEW_TOKEN_FILE', 'CURFEW_IMPORT_FROM', 'CURFEW_IMPORT_FROM_FILE'];

/**
 * Variables besides `CURFEW_PORT` that Kubernetes sets in every container of a namespace for a service whose name
 * begins with `curfew`: `CURFEW_SERVICE_HOST`, `CURFEW_PORT_2873_TCP_ADDR`, `CURFEW_REDIS_PORT` and so on.
 */
const ofKubernetes =
  /^CURFEW_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

type Environment = Record<string, string | undefined>;

/**
 * Reads the settings: flags take precedence over the environment, which takes precedence over the defaults. An empty
 * variable counts as not set.
 * @throws `config_invalid`, naming the setting, its value (unless it is secret) and what it must be
 */
export function readSettings(
  env: Environment,
  flags: Partial<Record<SettingName, string>> = {},
): { settings: Settings; warnings: string[]; inForce: SettingInForce[] } {
  const declarations = Object.entries(options) as [SettingName, Option<unknown>][];
  const known = new Set(ofCommands);
  const settings: Record<string, unknown> = {};
  const given = new Set<SettingName>();
  const texts: Partial<Record<SettingName, string>> = {};
  for (const [name, declared] of declarations) {
    known.add(declared.env);
    if (declared.file) known.add(fileVariable(declared.env));
    const set = flagOf(declared, flags[name]) ?? variableOf(declared, env);
    if (set !== undefined) given.add(name);
    const text = set ?? declared.fallback;
    settings[name] = text === undefined ? undefined : readOne(declared, text);
    if (text !== undefined) texts[name] = text;
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
  // A level may have adjusted these.
  const inForce = { ...texts, absolute: shown(read.absolute), idle: shown(read.idle) };
  return { settings: read, warnings, inForce: presented(inForce, given) };
}

/** A setting as administrators may see it: its variable, its value as text, and what it does. */
export type SettingInForce = { name: string; value: string; isDefault: boolean; help: string };

/** What is secret, or about the machine and the first start. */
const notPresented: readonly SettingName[] = ['store', 'secretKeyFile', 'adminUsername', 'adminEmail', 'logFile'];

function presented(texts: Partial<Record<SettingName, string>>, given: ReadonlySet<SettingName>): SettingInForce[] {
  return (Object.entries(options) as [SettingName, Option<unknown>][]).flatMap(([name, { env, secret, help }]) => {
    const value = texts[name];
    if (secret || value === undefined || notPresented.includes(name)) return [];
    return [{ name: env, value, isDefault: !given.has(name), help }];
  });
}

/**
 * The settings with the limits of their assurance level. A limit that was set may be stricter; a default is adjusted.
 * @throws `config_invalid` if a limit that was set is laxer than the level allows; it names both
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
 * A variable, or the content of the file that the variable ending with `_FILE` names; `undefined` if neither is set. An
 * empty variable counts as not set, because `${NAME:-}` in a Compose file gives one.
 * @throws `config_invalid` if both are set, or the file cannot be read or is empty
 */
export function readSecret(env: Environment, name: string): string | undefined {
  const path = env[fileVariable(name)] || undefined;
  const text = env[name] || undefined;
  if (path === undefined) return text;
  if (text !== undefined) throw invalid(`${name} and ${fileVariable(name)} are both set; leave one of them out`);
  let content: string;
  try {
    content = readFileSync(fromHome(path), 'utf8');
  } catch (error) {
    throw invalid(`${fileVariable(name)}: ${(error as Error).message}`, error);
  }
  // Editors and `echo` end a file with a line break that is not part of the secret.
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

/** An empty flag is refused: it usually comes from a script's variable that was not set. */
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

/** An address, which may be in brackets as in a URL, or a host name. */
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

/** Example durations: an error shows those that are within the setting's bounds. */
const examples = { '90s': 90 * second, '15m': 15 * minute, '12h': 12 * hour, '30d': 30 * day };

const units: Record<string, number> = { ms: 1, s: second, m: minute, h: hour, d: day };

/** Milliseconds. @throws an error that says what it must be */
export function duration(text: string, least: number, most: number): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const value = Number(number) * units[unit ?? '']!;
  if (value >= least && value <= most) return value;
  const fitting = Object.entries(examples).flatMap(([one, length]) => (length >= least && length <= most ? one : []));
  throw new Error(`must be a duration such as ${fitting.join(' or ')}, from ${shown(least)} to ${shown(most)}`);
}

/** A duration in the form used in settings. */
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
