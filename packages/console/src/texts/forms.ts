import { localeTag } from '../app/settings.ts';

/*
 * Numbers, times and names as they are written in a text.
 */

const tag = localeTag();
const numbers = once(() => new Intl.NumberFormat(tag));
const rules = once(() => new Intl.PluralRules(tag));

/** Each of the browser's own formats takes milliseconds to make, so none is made before it is needed. */
function once<Format>(make: () => Format): () => Format {
  let made: Format | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** `1,234` */
export const count = (value: number): string => numbers().format(value);

/** Chooses by number: `plural(n, '1 session', `${count(n)} sessions`)`. English and German have two forms. */
export const plural = (value: number, one: string, other: string): string =>
  rules().select(value) === 'one' ? one : other;

/**
 * A name inside a text, kept from changing the direction of what follows it (Unicode's isolates): names come from
 * people, and may contain marks that turn a line around.
 */
export const name = (text: string): string => `\u2068${visible(text)}\u2069`;

/** Marks that steer the direction of text, and other characters that cannot be seen, as `‹U+202E›`. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Bidi_C}\u{feff}]/gu,
    (mark) => `‹U+${mark.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}›`,
  );
}

const moment = once(() => new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'medium' }));
const clock = once(() => new Intl.DateTimeFormat(tag, { timeStyle: 'short' }));
const dayAndClock = once(
  () => new Intl.DateTimeFormat(tag, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' }),
);
const date = once(() => new Intl.DateTimeFormat(tag, { dateStyle: 'medium' }));

/** The whole moment: `27 Nov 2026, 09:20:55`. */
export const fullTime = (at: string | number): string => moment().format(new Date(at));

/** As short as it can be understood: `09:20` today, `26 Nov, 09:20` this year, otherwise the date. */
export function shortTime(at: string | number, now = Date.now()): string {
  const [then, today] = [new Date(at), new Date(now)];
  if (then.toDateString() === today.toDateString()) return clock().format(then);
  return then.getFullYear() === today.getFullYear() ? dayAndClock().format(then) : date().format(then);
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

const relative = once(() => new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }));

/** `3 minutes ago`, `in 2 hours`, `now`. */
export function distance(at: string | number, now = Date.now()): string {
  const away = new Date(at).getTime() - now;
  for (const [unit, size] of units) {
    if (Math.abs(away) >= size && unit !== 'second') return relative().format(Math.trunc(away / size), unit);
  }
  return relative().format(0, 'second');
}

/**
 * When an API key was last used. The server writes that once an hour at most, so the key may have been used up to an
 * hour after the time that is known: `within` tells that for a use in the last hours.
 */
export function usedAt(at: string, within: (hours: number) => string, now = Date.now()): string {
  const hours = Math.floor((now - Date.parse(at)) / 3_600_000) + 1;
  return hours > 2 ? distance(at, now) : within(Math.max(1, hours));
}

/** How long something lasts, in its two largest units: `6 days, 4 hours`. */
export function duration(milliseconds: number): string {
  let rest = Math.max(0, milliseconds);
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const whole = Math.floor(rest / size);
    if (whole === 0 && (parts.length > 0 || unit !== 'second')) continue;
    rest -= whole * size;
    parts.push(new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'long' }).format(whole));
    if (parts.length === 2) break;
  }
  return parts.join(', ');
}

/** `41 ms`, `1.2 s` */
export function brief(milliseconds: number): string {
  return milliseconds < 1000
    ? `${count(Math.round(milliseconds))} ms`
    : `${count(Math.round(milliseconds / 100) / 10)} s`;
}

/** `41 kB`, `1.2 GB` */
export function bytes(value: number): string {
  const names = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = Math.min(names.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  const unit = { style: 'unit', unit: names[power]!, maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(tag, unit).format(value / 1000 ** power);
}
