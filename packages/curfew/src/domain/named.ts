import type { SessionId, SessionName } from './brand.ts';
import type { Metadata, SessionStatus } from './session.ts';

/** A slot with a unique name and a configuration that outlives the sessions in it. */
export type NamedSession = {
  name: SessionName;
  config: Metadata;
  /** A stopped slot accepts no sign-in; the session in it is suspended but kept. */
  started: boolean;
  /** The last session that was created in it; it may have ended. */
  sessionId: SessionId | undefined;
  /** A slot that was created by opening a session is removed with it; one that was created on its own stays. */
  kept: boolean;
  createdAt: number;
  updatedAt: number;
  version: number;
};

/**
 * `working`: somebody is signed in; `waiting`: started, without a session; `stopped`: its session is kept, but not
 * valid.
 */
export type NamedStatus = 'working' | 'waiting' | 'stopped';

/** A slot's state, given the status of its session. A valid session means `working`, even while a stop is under way. */
export function namedStatus(slot: { started: boolean }, session: SessionStatus | undefined): NamedStatus {
  if (session === 'active') return 'working';
  return slot.started && session !== 'suspended' ? 'waiting' : 'stopped';
}
