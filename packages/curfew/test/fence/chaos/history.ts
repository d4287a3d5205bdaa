/*
 * What was seen, by the machine's one monotonic clock, which all its processes share. A verification is known by when
 * it began; a change by when it had returned.
 */

/**
 * `answer`: the version that it told of, 0 when it was not active, -1 when there was no answer. Of `times` that
 * answered alike, one after another, the one that began last: if any of them broke the promise, that one did.
 */
export type Verified = { kind: 'verify'; session: string; began: number; answer: number; times: number; by: string };
/** `version`: what the session was changed to; 0 when it was ended. */
export type Changed = { kind: 'change'; session: string; asked: number; returned: number; version: number };
export type Seen = Verified | Changed;

export type Violation = { session: string; by: string; began: number; answer: number; floor: number; returned: number };

export type Judgement = { violations: Violation[]; verifications: number; active: number; changes: number };

/**
 * Finds every verification that began after a change had returned and told of what was before it. Versions of one
 * session grow; an end is later than all of them. Where no answer came nothing was promised.
 */
export function judge(history: readonly Seen[]): Judgement {
  const changes = new Map<string, Changed[]>();
  for (const seen of history) {
    if (seen.kind !== 'change') continue;
    const list = changes.get(seen.session) ?? [];
    list.push(seen);
    changes.set(seen.session, list);
  }
  const judgement: Judgement = { violations: [], verifications: 0, active: 0, changes: 0 };
  for (const list of changes.values()) {
    judgement.changes += list.length;
    list.sort((a, b) => a.returned - b.returned);
  }
  for (const seen of history) {
    if (seen.kind !== 'verify' || seen.answer < 0) continue;
    judgement.verifications += seen.times;
    if (seen.answer === 0) continue;
    judgement.active += seen.times;
    for (const { returned, version } of changes.get(seen.session) ?? []) {
      if (returned >= seen.began) break;
      if (version !== 0 && version <= seen.answer) continue;
      const { session, by, began, answer } = seen;
      judgement.violations.push({ session, by, began, answer, floor: version, returned });
      break;
    }
  }
  return judgement;
}
