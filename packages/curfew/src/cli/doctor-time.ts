import { systemTiming } from 'curfew-client/fence';
import { askStoreTime, differs, isAhead, writtenAhead } from '../authority/clock.ts';
import type { SessionId } from '../domain/brand.ts';
import type { Event } from '../domain/events.ts';
import { errors } from '../errors.ts';
import type { Store } from '../stores/contract.ts';
import type { Finding } from './finding.ts';
import { counted } from './terminal.ts';

/** Sessions that are named one by one. */
const mostNamed = 10;

/**
 * Compares the clocks of this machine and of the store, which may differ by `bound`, and looks for what a wrong one has
 * written; with `mend`, that is taken back.
 */
export async function timeOf(store: Store, bound: number, mend: boolean): Promise<Finding[]> {
  const { now, receivedAt } = await askStoreTime(store, systemTiming());
  const offset = Math.round(Date.now() - (now + performance.now() - receivedAt));
  if (Math.abs(offset) > bound) {
    const says = `${differs(offset)}${mend ? ' Nothing was taken back.' : ''}`;
    return [{ check: 'time', state: 'fault', says, remedy: errors.clock_differs.remedy }];
  }
  const ahead = writtenAhead(await store.latestTime(), now);
  if (!ahead) return [{ check: 'time', state: 'ok', says: 'this machine goes by the same as the store' }];
  const survey = await surveyed(store, now);
  if (mend) await store.mendTime(now);
  return [
    mend
      ? { check: 'time', state: 'ok', says: `${ahead}${sinceWhen(survey)}: taken back` }
      : {
          check: 'time',
          state: 'warning',
          says: `${ahead}${sinceWhen(survey)}: by a wrong clock, or the store's is behind`,
          remedy: 'If the store’s clock is right, `curfew doctor --mend-time` takes that back.',
        },
    ...whatBecame(survey),
  ];
}

type Survey = {
  /** The first event that tells of a moment ahead, and the latest right moment before it. */
  first: Event | undefined;
  after: number | undefined;
  /** Sessions that a deadline ended before it came. */
  endedEarly: number;
  /** Live sessions that were opened ahead. */
  openedAhead: SessionId[];
};

/** Reads everything once: it takes its time, and only a store that a wrong clock wrote to is read so. */
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
    const says = `${counted(endedEarly, 'session')} ended as idle or expired by that clock: ended is for good`;
    findings.push({ check: 'time', state: 'warning', says, remedy: 'Their users sign in again.' });
  }
  if (openedAhead.length > 0) {
    const more = openedAhead.length > mostNamed ? ', …' : '';
    const says = `${counted(openedAhead.length, 'session')} opened by that clock and active for longer than the limits`;
    const remedy = `End them with \`curfew sessions end\`: ${openedAhead.slice(0, mostNamed).join(', ')}${more}`;
    findings.push({ check: 'time', state: 'warning', says, remedy });
  }
  return findings;
}
