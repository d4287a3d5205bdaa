import type { ChaosReport } from './chaos.ts';

/** The report as a table for people. */
export function tell(store: string, report: ChaosReport): string[] {
  const { waits, by, faults, restarts, violations, unexplained } = report;
  const rows: [string, string][] = [
    ['store', store],
    ['seconds', count(report.seconds)],
    ['verifications', count(report.verifications)],
    ['… that said active', count(report.active)],
    ['… from memory', count(report.fromMemory)],
    ['ends', `${count(report.ends)} (${Math.round(report.ends / report.seconds)} a second)`],
    ['changes that returned, ends among them', count(report.changes)],
    ['… that a failover may have lost', count(report.lost)],
    ['refused', counts(report.refused)],
    ['faults', counts(faults)],
    ['waits in milliseconds', `p50 ${waits.p50}, p99 ${waits.p99}, max ${waits.max}`],
    ['ended', `by acks ${count(by.acks)}, by time ${count(by.timeout)}`],
    ['leases that ran out', count(report.expired)],
    ['servers that started over', counts(restarts)],
    ['… for no reason', count(unexplained.length)],
    ['servers that ended by themselves', count(report.crashes.length)],
    ['sessions remembered at most', count(report.remembered)],
    ['violations', count(violations.length)],
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [
    ...rows.slice(0, 1).map(line),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.slice(1).map(line),
    ...violations.slice(0, 5).map((violation) => JSON.stringify(violation)),
    ...unexplained.slice(0, 5).map((restart) => JSON.stringify(restart)),
  ];
}

const count = (value: number): string => value.toLocaleString('en');

function counts(values: Record<string, number>): string {
  const sum = Object.values(values).reduce((all, value) => all + value, 0);
  const each = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return each.length === 0 ? '0' : `${sum}: ${each.join(', ')}`;
}
