import { createVerifier } from 'curfew-client/verifier';

/*
 * Other applications, in a separate process: a number of verifiers, each of which caches the sessions that it is given
 * and keeps verifying them until they have ended. The parent sends `{know: [[verifier, token]]}`, and gets an answer
 * when all of them are cached.
 */
const [urls = '', key = '', count = '1'] = process.argv.slice(2);
const verifiers = Array.from({ length: Number(count) }, () => createVerifier({ url: urls.split(','), key }));
type Known = readonly [verifier: number, token: string];
let known: Known[] = [];
/** The number of verifications that may wait for an answer at the same time. */
const mostOpen = 16;
let open = 0;
/** How many are verified at a time, and the milliseconds between two such times. */
const [some, pause] = [50, 25];

async function verify([verifier, token]: Known): Promise<void> {
  open += 1;
  try {
    const { active } = await verifiers[verifier]!.verify(token);
    if (!active) known = known.filter((one) => one[1] !== token);
  } finally {
    open -= 1;
  }
}

process.on('message', async ({ know }: { know: Known[] }) => {
  let next = 0;
  const worker = async () => {
    while (next < know.length) await verify(know[next++]!);
  };
  await Promise.all(Array.from({ length: mostOpen }, worker));
  known.push(...know);
  process.send!('known');
});
process.on('disconnect', () => process.exit());

let turn = 0;
setInterval(() => {
  for (let i = 0; i < Math.min(some, known.length); i++) {
    const one = known[turn++ % known.length]!;
    if (verifiers[one[0]]!.check(one[1]) || open >= mostOpen) continue;
    // A refused one is verified again when its turn comes.
    verify(one).catch(() => {});
  }
}, pause);
await Promise.all(verifiers.map((verifier) => verifier.ready()));
process.send!('ready');
