import type { Session } from '../domain/session.ts';
import type { Caller } from './caller.ts';

/*
 * Who sees a session that a call answers with. Changing or ending a session does not entail seeing it: an answer to such
 * a call shows no more than `sessions.read` would.
 */

/** Whether a caller may see a session: people see their own, and others those of everybody with `sessions.read`. */
export function maySee(caller: Caller, { userId }: Pick<Session, 'userId'>): boolean {
  return seesAll(caller) || (caller.kind === 'person' && caller.session.userId === userId);
}

/** Whether a caller may see everybody's sessions, and how named sessions are configured. */
export function seesAll(caller: Caller): boolean {
  return caller.granted.has('sessions.read');
}
