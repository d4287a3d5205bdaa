import type { EndedSession } from '../authority/end-session.ts';
import type { NamedView } from '../authority/named-sessions.ts';
import type { Receipt } from '../authority/receipt.ts';
import type { AccountView } from '../domain/account.ts';
import type { Event } from '../domain/events.ts';
import type { ApiKeyView } from '../domain/key.ts';
import type { Session } from '../domain/session.ts';

/*
 * From the domain's shapes to the API's: moments become RFC 3339. What is `undefined` is left out by the serializer.
 */

const day = 86_400_000;
const twoDigits: readonly string[] = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));
/** The day that was asked for last, as `2026-11-21T`. */
const lastDay = { number: Number.NaN, text: '' };

/** As `Date.toISOString` does, at a quarter of its cost: an answer holds half a dozen moments, mostly of one day. */
export function rfc3339(moment: number): string {
  const number = Math.floor(moment / day);
  if (number !== lastDay.number) {
    lastDay.text = new Date(number * day).toISOString().slice(0, 11);
    lastDay.number = number;
  }
  const rest = moment - number * day;
  const seconds = Math.floor(rest / 1000);
  const time = `${twoDigits[Math.floor(seconds / 3600)]}:${twoDigits[Math.floor(seconds / 60) % 60]}:${twoDigits[seconds % 60]}`;
  return `${lastDay.text}${time}.${String(rest % 1000).padStart(3, '0')}Z`;
}

const maybeTime = (moment: number | undefined): string | undefined =>
  moment === undefined ? undefined : rfc3339(moment);

export function presentSession(session: Session) {
  return {
    ...session,
    createdAt: rfc3339(session.createdAt),
    authenticatedAt: rfc3339(session.authenticatedAt),
    lastSeenAt: rfc3339(session.lastSeenAt),
    expiresAt: rfc3339(session.expiresAt),
    idleExpiresAt: rfc3339(session.idleExpiresAt),
    endedAt: maybeTime(session.endedAt),
  };
}

export function presentReceipt(receipt: Receipt) {
  return { ...receipt, endedAt: maybeTime(receipt.endedAt), changedAt: maybeTime(receipt.changedAt) };
}

export function presentAccount(account: AccountView) {
  return {
    ...account,
    createdAt: rfc3339(account.createdAt),
    updatedAt: rfc3339(account.updatedAt),
    lastLoginAt: maybeTime(account.lastLoginAt),
  };
}

export function presentKey(key: ApiKeyView) {
  return { ...key, createdAt: rfc3339(key.createdAt), revokedAt: maybeTime(key.revokedAt) };
}

export function presentNamed(named: NamedView) {
  return {
    ...named,
    session: named.session && presentSession(named.session),
    createdAt: rfc3339(named.createdAt),
    updatedAt: rfc3339(named.updatedAt),
  };
}

export function presentEvent(event: Event) {
  return { ...event, at: rfc3339(event.at) };
}

/** The answer to every end of one session. */
export function presentEnd({ session, receipt }: EndedSession) {
  const where = receipt.everywhere ? 'everywhere' : 'in the store';
  return {
    success: true,
    message: `Session ${session.id} has ended ${where}.`,
    session: presentSession(session),
    receipt: presentReceipt(receipt),
  };
}
