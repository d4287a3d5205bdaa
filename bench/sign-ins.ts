import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'curfew-client';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { startCurfew } from './http.ts';
import { at, atLeast, atMost, median, type Row, rateOf, timeOf, times } from './measure.ts';
import { temporaryBenchFolder } from './setup.ts';

const rounds = 3;
const together = 300;
const oneByOne = 60;
/** Milliseconds between two ends, the same in both phases. */
const every = 10;
const quietEnds = 300;

const password = 'correct horse battery';

/** The effect of three hundred simultaneous sign-ins on each other, and on somebody who signs out meanwhile. */
export async function signInRows(say: (text: string) => void): Promise<Row[]> {
  const folder = temporaryBenchFolder();
  const key = makeKey(Date.now(), randomBytes);
  const { child, url } = await startCurfew({
    CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
    CURFEW_API_KEY: key,
    CURFEW_ADMIN_PASSWORD: password,
    // The work is measured, not the limits.
    CURFEW_LOGIN_ATTEMPTS: '1000000/1m',
    CURFEW_ADDRESS_ATTEMPTS: '1000000/1m',
    CURFEW_LOG_LEVEL: 'silent',
  });
  const client = createClient({ url, token: key, timeout: 60_000 });
  const signIn = async () => {
    const answer = await fetch(`${url}/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    await answer.arrayBuffer();
  };
  /** How many milliseconds ends took, one at a time at an even pace, while `more` returns true. */
  const ends = async (more: (ended: number) => boolean) => {
    const took: number[] = [];
    while (more(took.length)) {
      const { session } = await client.createSession({ userId: `user ${took.length}` });
      took.push(await timeOf(() => client.endSession({ id: session.id })));
      await pause(every);
    }
    return took;
  };
  try {
    await signIn();
    await ends((ended) => ended < quietEnds);
    const [rates, p99s, quiets, besides]: number[][] = [[], [], [], []];
    const [alone, crowded]: number[][] = [[], []];
    for (let round = 0; round < rounds; round++) {
      say(`${together} sign-ins at once, round ${round + 1} of ${rounds}`);
      const quiet = await ends((ended) => ended < quietEnds);
      const byTurns = await rateOf(oneByOne, 1, signIn);
      let under = true;
      const [rate, beside] = await Promise.all([
        rateOf(together, together, signIn).finally(() => {
          under = false;
        }),
        ends(() => under),
      ]);
      rates!.push(rate / byTurns);
      crowded!.push(rate);
      alone!.push(byTurns);
      p99s!.push(at(beside, 0.99) / at(quiet, 0.99));
      quiets!.push(at(quiet, 0.99));
      besides!.push(at(beside, 0.99));
    }
    const each = (values: readonly number[]) => `${median(values).toFixed(1)}/s`;
    const wait = (values: readonly number[]) => `${median(values).toFixed(1)} ms`;
    return [
      {
        what: `${together} sign-ins at once, an end every ${every} ms meanwhile`,
        against: 'sign-ins one after the other, and nothing else',
        reached: `${median(rates!).toFixed(2)} (${each(crowded!)}; ${each(alone!)})`,
        ...atLeast(1, median(rates!)),
      },
      {
        what: `p99 of an end during ${together} sign-ins`,
        against: 'p99 of an end on the same server when it is quiet',
        reached: `${times(median(p99s!))} (${wait(besides!)}; ${wait(quiets!)})`,
        ...atMost(3, median(p99s!)),
      },
    ];
  } finally {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
    folder.remove();
  }
}
