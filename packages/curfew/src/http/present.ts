import type { Caller } from '../authority/caller.ts';
import type { EndedSession } from '../authority/end-session.ts';
import type { Series } from '../authority/event-series.ts';
import type { NamedView } from '../authority/named-sessions.ts';
import type { Preview } from '../authority/preview-sessions.ts';
import type { Receipt } from '../authority/receipt.ts';
import { maySee, seesAll } from '../authority/sight.ts';
import type { WidgetSession } from '../authority/widget.ts';
import type { AccountView } from '../domain/account.ts';
import type { Event } from '../domain/events.ts';
import type { ApiKeyView } from '../domain/key.ts';
import type { Session } from '../domain/session.ts';
import type { ServerState } from './server-state.ts';

/*
 * Turns the domain's shapes into the API's: times become RFC 3339. The serializer leaves out what is `undefined`.
 */

const day = 86_400_000;
const twoDigits: readonly string[] = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));
/** Days as `2026-11-21T`, by their number: the times of sessions fall on only a few of them. */
const days: Map<number, string> = new Map();
const mostDays = 1000;

/** Like `Date.toISOString`, at a tenth of its cost: an answer contains half a dozen times. */
export function rfc3339(moment: number): string {
  const number = Math.floor(moment / day);
  const rest = moment - number * day;
  const seconds = Math.floor(rest / 1000);
  const [hour, minute, second] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const thousandths = String(rest % 1000).padStart(3, '0');
  return `${dayText(number)}${twoDigits[hour]}:${twoDigits[minute]}:${twoDigits[second]}.${thousandths}Z`;
}

function dayText(number: number): string {
  const known = days.get(number);
  if (known !== undefined) return known;
  if (days.size >= mostDays) days.clear();
  const text = new Date(number * day).toISOString().slice(0, 'yyyy-mm-ddT'.length);
  days.set(number, text);
  return text;
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

/** A session that a call changed or ended: all of it only if the caller may see it, or has presented its secret. */
export function presentShown(caller: Caller, session: Session, bySecret = false) {
  if (bySecret || maySee(caller, session)) return presentSession(session);
  const { id, name, status, endedAt, endReason } = session;
  return { id, name, status, endedAt: maybeTime(endedAt), endReason };
}

/** Nothing that the application keeps with the session. */
export function presentWidgetSession({ id, current, device, ip, createdAt, lastSeenAt }: WidgetSession) {
  return { id, current, device, ip, createdAt: rfc3339(createdAt), lastSeenAt: rfc3339(lastSeenAt) };
}

export function presentReceipt(receipt: Receipt) {
  return { ...receipt, endedAt: maybeTime(receipt.endedAt), changedAt: maybeTime(receipt.changedAt) };
}

export function presentPreview(preview: Preview) {
  return { ...preview, countedAt: rfc3339(preview.countedAt), expiresAt: rfc3339(preview.expiresAt) };
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
  return {
    ...key,
    createdAt: rfc3339(key.createdAt),
    revokedAt: maybeTime(key.revokedAt),
    lastUsedAt: maybeTime(key.lastUsedAt),
  };
}

export function presentNamed(named: NamedView) {
  return {
    ...named,
    session: named.session && presentSession(named.session),
    createdAt: rfc3339(named.createdAt),
    updatedAt: rfc3339(named.updatedAt),
  };
}

/** A named session that a call changed: all of it only if the caller may see it. */
export function presentShownNamed(caller: Caller, named: NamedView) {
  if (seesAll(caller)) return presentNamed(named);
  const { name, status, session } = named;
  return { name, status, session: session && maySee(caller, session) ? presentSession(session) : undefined };
}

export function presentEvent(event: Event) {
  return { ...event, at: rfc3339(event.at) };
}

export function presentSeries(series: Series) {
  return {
    ...series,
    since: rfc3339(series.since),
    until: rfc3339(series.until),
    intervals: series.intervals.map((interval) => ({ ...interval, at: rfc3339(interval.at) })),
  };
}

export function presentState({ startedAt, nodes, verifiers, ...state }: ServerState) {
  return {
    ...state,
    startedAt: rfc3339(startedAt),
    nodes: nodes.map(({ silent, ...node }) => ({ ...node, silentMs: Math.round(silent) })),
    verifiers: verifiers.map(({ lease, ...verifier }) => ({ ...verifier, leaseMs: lease })),
  };
}

/** The answer to every operation that ends one session; for callers other than a widget, with the session. */
export function presentEnd(caller: Caller, ended: EndedSession, bySecret = false) {
  const { alreadyEnded } = ended;
  return { ...presentWidgetEnd(ended), alreadyEnded, session: presentShown(caller, ended.session, bySecret) };
}

export function presentWidgetEnd({ session, receipt, alreadyEnded }: EndedSession) {
  const where = receipt.everywhere ? 'everywhere' : 'in the store';
  return {
    success: true,
    message: alreadyEnded
      ? `Session ${session.id} had already ended ${where}.`
      : `Session ${session.id} has ended ${where}.`,
    receipt: presentReceipt(receipt),
  };
}
