import { createVerifier } from 'curfew-client/verifier';

/*
 * An application in its own process: verifies the sessions that it gets again and again, and records each time and
 * answer. Its parent sends lines `{add: {id: token}, drop: [id]}`, and may stop and continue it.
 */
const [urls = '', key = '', name = ''] = process.argv.slice(2);
const verifier = createVerifier({ url: urls.split(','), key, timeout: 4000 });
/** `askAt`: an answer that is not active is not cached, and asked for again only now and then. */
type Known = { id: string; token: string; open: number; askAt: number };
const sessions: Known[] = [];
/** Sessions that the parent wants to drop. */
const leaving = new Set<Known>();
/** Runs of equal answers: session, start of the last one, answer, count. */
type Run = [session: string, began: number, answer: number, times: number];
const seen: Run[] = [];
const runs = new Map<string, Run>();
/** The number of verifications that may wait for an answer at once, as a server's requests would. */
const mostOpen = 100;
const mostOfOne = 3;
/** Often enough to see a stale answer many times, but no more: the servers and their store need the machine. */
const atATime = 10;
const pauseMs = 10;
/** Milliseconds until a session without an active answer is asked about again. */
const askAgain = 2000;
const askAfterFailure = 200;
let open = 0;
const counts = { memory: 0, asked: 0, failed: 0 };

/** The clock that all processes of a machine share, in milliseconds. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const versionOf = (groups: readonly string[]): number => Math.max(...groups.map((group) => Number(group.slice(1))));

process.on('message', (message: { add?: Record<string, string>; drop?: string[]; stop?: true }) => {
  for (const [id, token] of Object.entries(message.add ?? {})) sessions.push({ id, token, open: 0, askAt: 0 });
  if (message.drop) drop(new Set(message.drop));
  if (message.stop) {
    report();
    process.send!({ stopped: name });
    verifier.close();
    process.disconnect();
  }
});
process.on('disconnect', () => process.exit());

function drop(ids: ReadonlySet<string>): void {
  let kept = 0;
  for (const session of sessions) {
    if (ids.has(session.id)) leaving.add(session);
    else sessions[kept++] = session;
  }
  sessions.length = kept;
}

/** `done`: sessions for which everything has been reported. */
function report(): void {
  seen.push(...runs.values());
  runs.clear();
  const done = [...leaving].filter((session) => session.open === 0);
  for (const session of done) leaving.delete(session);
  process.send!({ seen: seen.splice(0), done: done.map(({ id }) => id), counts: { ...counts } });
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

async function ask(session: Known, began: number): Promise<void> {
  session.open += 1;
  open += 1;
  counts.asked += 1;
  try {
    const verdict = await verifier.verify(session.token);
    note(session.id, began, verdict.active ? versionOf(verdict.session.accessGroups) : 0);
    if (!verdict.active) session.askAt = began + askAgain;
  } catch {
    counts.failed += 1;
    note(session.id, began, -1);
    session.askAt = now() + askAfterFailure;
  } finally {
    session.open -= 1;
    open -= 1;
  }
}

let turn = 0;
function verifySome(): void {
  for (let i = 0; i < atATime && sessions.length > 0; i++) {
    const session = sessions[turn++ % sessions.length]!;
    const began = now();
    const known = verifier.check(session.token);
    if (known) {
      counts.memory += 1;
      note(session.id, began, versionOf(known.session.accessGroups));
    } else if (open < mostOpen && session.open < mostOfOne && began >= session.askAt) void ask(session, began);
  }
  setTimeout(verifySome, pauseMs);
}
verifySome();
setInterval(report, 200);
