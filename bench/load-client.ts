import { createClient } from 'curfew-client';
import { createVerifier } from 'curfew-client/verifier';

/*
 * Other applications, in a separate process: a number of verifiers, and ends at an even rate when the parent asks for
 * them. The parent sends `{ids, rate}`; each id is ended once, and the answer is `{ended, took}` in milliseconds.
 */
const [url = '', key = '', count = '0'] = process.argv.slice(2);
const verifiers = Array.from({ length: Number(count) }, () => createVerifier({ url, key }));
const curfew = createClient({ url, token: key });

process.on('message', async ({ ids, rate }: { ids: string[]; rate: number }) => {
  const began = performance.now();
  const ends: Promise<unknown>[] = [];
  while (ends.length < ids.length) {
    const due = Math.min(ids.length, Math.floor(((performance.now() - began) * rate) / 1000));
    while (ends.length < due) ends.push(curfew.endSession({ id: ids[ends.length]! }));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(ends);
  process.send!({ ended: ids.length, took: performance.now() - began });
});
process.on('disconnect', () => process.exit());
await Promise.all(verifiers.map((verifier) => verifier.ready()));
process.send!('ready');
