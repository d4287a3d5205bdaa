import { isAhead } from '../authority/clock.ts';
import type { SessionId } from '../domain/brand.ts';
import type { Event } from '../domain/events.ts';
import type { Finding } from '../domain/finding.ts';
import { aheadFinding, comparedTime } from '../start/findings.ts';
import type { Store } from '../stores/contract.ts';
import { counted } from './terminal.ts';

/** How many sessions are listed by id. */
const mostNamed = 10;

/**
 * Compares the clocks of this machine and of the store, which may differ by `bound`, and looks for what a wrong clock
 * has written; with `mend`, the store's latest time is reset.
 */
export async function timeOf(store: Store, bound: number, mend: boolean): Promise<Finding[]> {
  const { finding, now, offset, ahead } = await comparedTime(store, bound);
  if (offset !== undefined) return [mend ? { ...finding, says: `${finding.says} Nothing was reset.` } : finding];
  if (ahead === undefined) return [finding];
  const survey = await surveyed(store, now);
  if (mend) await store.mendTime(now);
  return [
    mend
      ? { check: 'time', state: 'ok', says: `${ahead}${sinceWhen(survey)}: reset` }
      : aheadFinding(`${ahead}${sinceWhen(survey)}`),
    ...whatBecame(survey),
  ];
}

type Survey = {
  /** The first event with a time in the future, and the latest correct time before it. */
  first: Event | undefined;
  after: number | undefined;
  /** How many sessions were ended by a deadline before that deadline had come. */
  endedEarly: number;
  /** Sessions that have not ended and were opened in the future. */
  openedAhead: SessionId[];
};

/** Reads the whole store. This is slow, so it is done only if a wrong clock has written to the store. */
async function surveyed(store: Store, now: number): Promise<Survey> {
  const survey: Survey = { first: undefined, after: undefined, endedEarly: 0, openedAhead: [] };
  for await (const record of store.exportRecords({ oneMoment: false })) {
    if (record.kind === 'event' && !survey.first) {
      if (isAhead(record.event.at, now)) survey.first = record.event;
      else survey.after = Math.max(survey.after ?? 0, record.event.at);
    } else if (record.kind === 'session') {
      const { id, createdAt, end } = record.session;
      const byDeadline = end?.reason === 'idle' || end?.reason === 'expired';
      if (byDeadline && isAhead(Math.max(end.at, record.writtenAt ?? 0), now)) survey.endedEarly += 1;
      if (!end && isAhead(createdAt, now)) survey.openedAhead.push(id);
    }
  }
  return survey;
}

function sinceWhen({ first, after }: Survey): string {
  if (!first) return '';
  const before = after === undefined ? '' : `, after ${new Date(after).toISOString()}`;
  return `, first with event ${first.sequence} (${first.type})${before}`;
}

function whatBecame({ endedEarly, openedAhead }: Survey): Finding[] {
  const findings: Finding[] = [];
  if (endedEarly > 0) {
    const says = `${counted(endedEarly, 'session')} ended as idle or expired by that clock; they cannot be restored`;
    findings.push({ check: 'time', state: 'warning', says, remedy: 'Their users have to sign in again.' });
  }
  if (openedAhead.length > 0) {
    const more = openedAhead.length > mostNamed ? ', …' : '';
    const says = `${counted(openedAhead.length, 'session')} opened by that clock, so active for longer than the limits`;
    const remedy = `End them with \`curfew sessions end\`: ${openedAhead.slice(0, mostNamed).join(', ')}${more}`;
    findings.push({ check: 'time', state: 'warning', says, remedy });
  }
  return findings;
}
