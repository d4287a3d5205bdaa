import { createVerifier } from 'curfew-client';

/*
 * An application in a process of its own: verifies whatever sessions it is told of as fast as it can, and writes down
 * each moment and each answer. Its parent sends lines `{sessions: {id: token}}`, and may stop and continue it.
 */
const [urls = '', key = '', name = ''] = process.argv.slice(2);
const verifier = createVerifier({ url: urls.split(','), key, timeout: 4000 });
let sessions: [string, string][] = [];
/** Runs of answers that are alike: session, when the last of them began, the answer, how many. */
type Run = [session: string, began: number, answer: number, times: number];
const seen: Run[] = [];
const runs = new Map<string, Run>();
/** Verifications that wait for an answer, as a server's requests would: so many at once. */
const mostOpen = 100;
let open = 0;
const counts = { memory: 0, asked: 0, failed: 0 };

/** The clock that all processes of a machine share, in milliseconds. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const versionOf = (groups: readonly string[]): number => Math.max(...groups.map((group) => Number(group.slice(1))));

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
  seen.push(...runs.values());
  runs.clear();
  process.send!({ seen: seen.splice(0), counts: { ...counts } });
}

function note(session: string, began: number, answer: number): void {
  const run = runs.get(session);
  if (run && run[2] === answer) {
    run[1] = Math.max(run[1], began);
    run[3] += 1;
    return;
  }
  if (run) seen.push(run);
  runs.set(session, [session, began, answer, 1]);
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
