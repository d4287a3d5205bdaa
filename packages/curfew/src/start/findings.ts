import { systemTiming } from 'curfew-client/fence';
import { askStoreTime, differs, writtenAhead } from '../authority/clock.ts';
import type { Finding } from '../domain/finding.ts';
import { errors } from '../errors.ts';
import type { ReadinessReport } from '../http/readiness.ts';
import type { Store, StoreDescription } from '../stores/contract.ts';

/* What `curfew doctor` and a running server check in the same way. */

export function runtimeFinding(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 24) return { check: 'Node.js', state: 'ok', says: process.version };
  return { check: 'Node.js', state: 'fault', says: process.version, remedy: 'Use Node.js 24 or newer.' };
}

/** The warnings about settings. */
export function settingsFindings(warnings: readonly string[]): Finding[] {
  if (warnings.length === 0) return [{ check: 'settings', state: 'ok', says: 'read' }];
  return warnings.map((says) => ({ check: 'settings', state: 'warning', says }));
}

/** What the store is, how fast it answers if that is known, and what a crash would lose. */
export function storeFindings({
  engine,
  location,
  format,
  facts,
  warnings,
}: StoreDescription): [Finding, ...Finding[]] {
  const latency = facts['latencyMs'] === undefined ? '' : `; answers in ${facts['latencyMs']} ms`;
  return [
    { check: 'store', state: 'ok', says: `${engine} at ${location}, format ${format}${latency}` },
    { check: 'durability', state: warnings.length > 0 ? 'warning' : 'ok', says: String(facts['durability']) },
    ...warnings.map(warned),
  ];
}

/** A warning; the text after its last semicolon is the remedy. */
function warned(text: string): Finding {
  const at = text.lastIndexOf('; ');
  return { check: 'durability', state: 'warning', says: text.slice(0, at), remedy: text.slice(at + 2) };
}

/** Whether a server is ready, and each check that fails, with its remedy. */
export function readinessFindings(server: string, { status, checks }: ReadinessReport): Finding[] {
  const check = 'server';
  const state = status === 'ready' ? 'ok' : 'fault';
  const failing = Object.entries(checks).filter(([, { ok }]) => !ok);
  return [
    { check, state, says: `${server}: ${status}` },
    ...failing.map(
      ([name, { detail, remedy }]): Finding => ({
        check,
        state,
        says: `${name}: ${detail}`,
        remedy: remedy ?? 'See its log for the cause.',
      }),
    ),
  ];
}

/**
 * Compares the clocks of this machine and of the store, which may differ by `bound`. `ahead`: what a wrong clock has
 * written, if anything. `now`: the store's time.
 */
export async function comparedTime(
  store: Store,
  bound: number,
): Promise<{ finding: Finding; now: number; offset: number | undefined; ahead: string | undefined }> {
  const { now, receivedAt } = await askStoreTime(store, systemTiming());
  const offset = Math.round(Date.now() - (now + performance.now() - receivedAt));
  const check = 'time';
  if (Math.abs(offset) > bound) {
    const finding: Finding = { check, state: 'fault', says: differs(offset), remedy: errors.clock_differs.remedy };
    return { finding, now, offset, ahead: undefined };
  }
  const ahead = writtenAhead(await store.latestTime(), now);
  const finding: Finding = ahead
    ? aheadFinding(ahead)
    : { check, state: 'ok', says: 'this machine and the store agree' };
  return { finding, now, offset: undefined, ahead };
}

export function aheadFinding(ahead: string): Finding {
  return {
    check: 'time',
    state: 'warning',
    says: `${ahead}: a wrong clock wrote it, or the store's is behind`,
    remedy: 'If the store’s clock is right, `curfew doctor --mend-time` resets that time.',
  };
}
