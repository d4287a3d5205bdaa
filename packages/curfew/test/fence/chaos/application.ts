import { createVerifier } from 'curfew-client';

/*
 * An application in a process of its own: verifies whatever sessions it is told of as fast as it can, and writes down
 * each moment and each answer. Its parent sends lines `{sessions: {id: token}}`, and may stop and continue it.
 */
const [urls = '', key = '', name = ''] = process.argv.slice(2);
const verifier = createVerifier({ url: urls.split(','), key, timeout: 4000 });
let sessions: [string, string][] = [];
const seen: [string, number, number][] = [];
/** Verifications that wait for an answer, as a server's requests would: so many at once. */
const mostOpen = 100;
let open = 0;
const counts = { memory: 0, asked: 0, failed: 0 };

/** The clock that all processes of a machine share, in milliseconds. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const versionOf = (groups: readonly string[]): number => Number(/^v(\d+)$/.exec(groups.at(-1) ?? '')?.[1] ?? 1);

process.on('message', (message: { sessions?: Record<string, string>; stop?: true }) => {
  if (message.sessions) sessions = Object.entries(message.sessions);
  if (message.stop) {
    report();
    process.send!({ stopped: name });
    verifier.close();
    process.disconnect();
  }
});
process.on('disconnect', () => process.exit());

function report(): void {
  process.send!({ seen: seen.splice(0), counts: { ...counts }, statistics: verifier.statistics() });
}

function note(session: string, began: number, answer: number): void {
  seen.push([session, began, answer]);
  if (seen.length >= 5000) report();
}

let turn = 0;
function verifySome(): void {
  for (let i = 0; i < 40 && sessions.length > 0; i++) {
    const [id, token] = sessions[turn++ % sessions.length]!;
    const began = now();
    const known = verifier.check(token);
    if (known) {
      counts.memory += 1;
      note(id, began, versionOf(known.session.accessGroups));
      continue;
    }
    if (open >= mostOpen) continue;
    open += 1;
    counts.asked += 1;
    verifier
      .verify(token)
      .then(
        (verdict) => note(id, began, verdict.active ? versionOf(verdict.session.accessGroups) : 0),
        () => {
          counts.failed += 1;
          note(id, began, -1);
        },
      )
      .finally(() => {
        open -= 1;
      });
  }
  setTimeout(verifySome, 1);
}
verifySome();
setInterval(report, 200);
