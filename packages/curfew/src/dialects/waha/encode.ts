import type { NamedView } from '../../authority/named-sessions.ts';
import type { NamedStatus } from '../../domain/named.ts';

/** Nothing of ours is STARTING or FAILED: what a call asks for is done when it answers. */
const statusOf = {
  working: 'WORKING',
  waiting: 'SCAN_QR_CODE',
  stopped: 'STOPPED',
} as const satisfies Record<NamedStatus, string>;

/** Who is signed in; their name is the account's, if they have one. */
export type Me = { id: string; pushName: string };

export function encodeSession({ name, status, config, session }: NamedView, me: Me | null): object {
  return {
    name,
    status: statusOf[status],
    config,
    me,
    engine: { engine: 'CURFEW' },
    timestamps: { activity: session?.lastSeenAt ?? null },
  };
}
