import { InvalidArgumentError, Option } from 'commander';
import { normalAddress } from '../domain/address.ts';
import { day, limits, minute } from '../domain/limits.ts';
import { fromHome } from '../home.ts';
import { duration } from '../start/config.ts';

/*
 * Values of options. An invalid value ends the command with the exit code for wrong usage before the server is asked;
 * the message names the option and the value.
 */

/** An option with one of a few words as its value. */
export function choice(flags: string, description: string, values: readonly string[]): Option {
  return new Option(flags, description).choices(values);
}

export function pageSize(noun: string): Option {
  return new Option('-n, --limit <number>', `${noun} per page, 1 to ${limits.pageMax}`)
    .default(limits.pageDefault)
    .argParser((text) => wholeNumber(text, 1, limits.pageMax));
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
}

/** Seconds, converted to milliseconds; at most a day. */
export function seconds(text: string): number {
  const value = Math.ceil(Number(text) * 1000);
  if (value > 0 && value <= 86_400_000) return value;
  throw new InvalidArgumentError('It must be a number of seconds, such as 30.');
}

/** How long a session may go on: milliseconds, from `90s`, `30m`, `12h` or `30d`. */
export function lifetime(text: string): number {
  try {
    return duration(text, minute, 3650 * day);
  } catch (error) {
    throw new InvalidArgumentError(`It ${(error as Error).message}.`);
  }
}

/** A path of a file or folder. */
export function filePath(text: string): string {
  try {
    return fromHome(text);
  } catch (error) {
    throw new InvalidArgumentError(`It ${(error as Error).message}.`);
  }
}

/** An IP address. */
export function address(text: string): string {
  if (normalAddress(text) !== undefined) return text;
  throw new InvalidArgumentError('It must be an IPv4 or IPv6 address.');
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as ISO text, from a date, a date with a time (UTC if it has no zone), or how long ago. */
export function moment(text: string, now: number = Date.now()): string {
  const [, amount, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) return new Date(now - Number(amount) * units[unit]!).toISOString();
  const dated = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  const time = dated ? Date.parse(text.length > 10 && !dated[1] ? `${text}Z` : text) : Number.NaN;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new InvalidArgumentError(
    'It must be a date such as 2026-11-26 or 2026-11-26T14:30Z, or how long ago: 90s, 30m, 2h or 3d.',
  );
}
