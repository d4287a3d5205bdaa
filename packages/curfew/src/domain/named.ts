import type { SessionId, SessionName } from './brand.ts';
import type { Metadata, SessionStatus } from './session.ts';

/** A slot with a unique name and a configuration that outlives the sessions in it. */
export type NamedSession = {
  name: SessionName;
  config: Metadata;
  /** A stopped slot takes no sign-in; the session in it is suspended but kept. */
  started: boolean;
  /** The last session that was created in it; it may have ended. */
  sessionId: SessionId | undefined;
  /** A slot that a session's creation made goes with that session; one that was made by hand stays. */
  kept: boolean;
  createdAt: number;
  updatedAt: number;
  version: number;
};

/** `working`: somebody is signed in; `waiting`: started, for a sign-in; `stopped`: not verifiable, but kept. */
export type NamedStatus = 'working' | 'waiting' | 'stopped';

/** What a slot's state is, given the status of the session in it. What can be verified is working, whatever is under way. */
export function namedStatus(slot: { started: boolean }, session: SessionStatus | undefined): NamedStatus {
  if (session === 'active') return 'working';
  return slot.started && session !== 'suspended' ? 'waiting' : 'stopped';
}
