import type { StoredSession } from '../../../../packages/curfew/src/domain/session.ts';
import { endingOf } from '../../../../packages/curfew/src/rules/end-session.ts';
import type { Change } from '../../../../packages/curfew/src/stores/commit.ts';
import { logout } from '../../../../packages/curfew/src/stores/conformance/harness.ts';
import { encodeChanges } from '../../../../packages/curfew/src/stores/postgres/engine.ts';

/** The call that commits a change, as a server sends it, for a connection of the test's own. */
export function commitCall(change: Change): string {
  const parts = encodeChanges([change]).map((part) => (part === null ? 'NULL' : `'${part.replaceAll("'", "''")}'`));
  return `commit_changes(${parts.join(', ')})`;
}

/** The end of a session that has no name. */
export function endOf(session: StoredSession, why = logout()): Change {
  const on = { userId: session.userId, ...session.epochs };
  return { at: why.at, on, ...endingOf(session, why, { slot: undefined, counted: true, entry: 0 }) };
}
