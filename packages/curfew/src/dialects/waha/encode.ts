import type { NamedView } from '../../authority/named-sessions.ts';
import type { NamedStatus } from '../../domain/named.ts';

/** There is no STARTING and no FAILED here: a call answers once it is done. */
const statusOf = {
  working: 'WORKING',
  waiting: 'SCAN_QR_CODE',
  stopped: 'STOPPED',
} as const satisfies Record<NamedStatus, string>;

/** The user who is signed in; the name is the account's, if there is one. */
export type Me = { id: string; pushName: string };

export function encodeSession(named: NamedView, me: Me | null): object {
  const { config, session } = named;
  return { ...encodeStatus(named), config, me, timestamps: { activity: session?.lastSeenAt ?? null } };
}

/** For a key that may not read sessions; what WAHA's clients expect of every answer is in it. */
export function encodeStatus({ name, status }: Pick<NamedView, 'name' | 'status'>): object {
  return { name, status: statusOf[status], engine: { engine: 'CURFEW' } };
}
