import type { Receipt, Session } from 'curfew-client';
import { hour } from '../domain/limits.ts';
import { oneLine } from '../domain/steering.ts';
import { type Column, counted, paint, relative } from './terminal.ts';
import { type UserNames, withName, withoutId } from './user.ts';

export function deviceText({ device }: Session): string {
  const name = [device.name, device.version].filter(Boolean).join(' ');
  const on = device.os ? ` on ${device.os.name}` : '';
  return name || on ? `${name}${on}`.trim() : device.type;
}

export const sessionColumns = (names: UserNames, current?: string): readonly Column<Session>[] => [
  { head: 'ID', of: ({ id }) => id, least: 22 },
  {
    head: 'USER',
    of: ({ userId }) => withName(names, userId),
    short: ({ userId }) => withoutId(names, userId),
    least: 10,
  },
  {
    head: 'STATUS',
    of: ({ id, status, endReason }) => (id === current ? 'current' : endReason ? `${status}: ${endReason}` : status),
    style: ({ id, status }) =>
      id === current ? 'bold' : status === 'active' ? 'green' : status === 'suspended' ? 'yellow' : 'dim',
    least: 7,
  },
  { head: 'DEVICE', of: deviceText, least: 6 },
  { head: 'ADDRESS', of: ({ ip }) => ip ?? '–', least: 7 },
  { head: 'LAST SEEN', of: ({ lastSeenAt }) => relative(lastSeenAt), least: 9 },
  { head: 'GROUPS', of: ({ accessGroups }) => accessGroups.join(' ') || '–', least: 6 },
];

/** One session, with one line for each field. */
export function sessionText(session: Session, names: UserNames): string {
  const parts: [string, string | undefined][] = [
    ['id', session.id],
    ['user', withName(names, session.userId)],
    ['name', session.name],
    ['status', session.status],
    ['groups', session.accessGroups.join(' ') || undefined],
    ['device', deviceText(session)],
    ['user agent', session.userAgent],
    ['address', session.ip],
    ['opened', moment(session.createdAt)],
    ['last seen', moment(session.lastSeenAt)],
    ['ends', session.endedAt ? undefined : moment(session.expiresAt)],
    ['ends when idle', session.endedAt ? undefined : moment(session.idleExpiresAt)],
    [
      'ended',
      session.endedAt && `${moment(session.endedAt)}, by ${actorText(names, session.endedBy)}: ${session.endReason}`,
    ],
    ['metadata', Object.keys(session.metadata).length > 0 ? JSON.stringify(session.metadata) : undefined],
  ];
  return parts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${paint('dim', name.padEnd(15))} ${oneLine(value!)}`)
    .join('\n');
}

/** Who did something: `user:olga (0V7o…)` if the user has an account. */
export function actorText(names: UserNames, actor = 'unknown', user = withName): string {
  return actor.startsWith('user:') ? `user:${user(names, actor.slice('user:'.length))}` : actor;
}

function moment(text: string): string {
  return `${text.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')} (${relative(text)})`;
}

/** What a receipt proves, in one line. */
export function receiptText(receipt: Receipt): string {
  if (!receipt.everywhere) return paint('yellow', 'Stored; caches may hold the earlier state for a moment.');
  const { verifiers, nodes, waitedMs } = receipt;
  const applications = verifiers.acknowledged + verifiers.expired;
  const where = [
    `on ${counted(nodes.applied + nodes.expired, 'server')}`,
    ...(applications > 0 ? [`in ${counted(applications, 'application')}`] : []),
  ].join(' and ');
  return paint('green', `In force everywhere, ${where}, after ${waitedMs} ms (change ${receipt.sequence}).`);
}

/**
 * When a key was last used. The server writes that once an hour at most, so the key may have been used up to an hour
 * after the time that is known.
 */
export function usedText(lastUsedAt: string, within = longWithin, now: number = Date.now()): string {
  const hours = Math.floor((now - Date.parse(lastUsedAt)) / hour) + 1;
  return hours > 2 ? relative(lastUsedAt, now) : within(Math.max(1, hours));
}

const longWithin = (hours: number) => `within the last ${hours === 1 ? 'hour' : `${hours} hours`}`;
export const shortWithin = (hours: number): string => `< ${hours} h ago`;
