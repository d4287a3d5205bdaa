import type { EndReason } from '../domain/reasons.ts';
import type { Session, StoredSession } from '../domain/session.ts';

/** Why a token is not valid: it is mistyped, unknown or replaced, or its session has ended or is suspended. */
export type InactiveReason = 'malformed' | 'unknown' | 'suspended' | EndReason;

export type ActiveVerification = { active: true; session: Session };
export type Verification = ActiveVerification | { active: false; reason: InactiveReason };

/** `until`: when the credential itself stops working, in epoch milliseconds; absent if no sooner than the session. */
export type VerifiedToken =
  | { active: true; stored: StoredSession; until?: number }
  | { active: false; reason: InactiveReason };
