import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createAccount } from '../../src/authority/accounts.ts';
import { guess } from '../../src/authority/attempts.ts';
import { library } from '../../src/authority/caller.ts';
import type { AuthorityContext } from '../../src/authority/context.ts';
import { useFactor } from '../../src/authority/second-factor.ts';
import { signIn } from '../../src/authority/sign-in.ts';
import type { AccountId } from '../../src/domain/brand.ts';
import { day, hour } from '../../src/domain/limits.ts';
import { isCurfewError } from '../../src/errors.ts';
import { type CurfewOptions, compose } from '../../src/start/compose.ts';
import { temporaryStore } from './store.ts';

type Nodes = [AuthorityContext, AuthorityContext];

/** What the limits of guessing promise to a fleet, on two nodes with one store. */
export function testSharedLimits(kind: 'postgres' | 'redis', { skip = false }: { skip?: boolean } = {}): void {
  const options = { skip, timeout: 120_000 };
  const nodes = async (t: TestContext, settings: Partial<CurfewOptions> = {}): Promise<Nodes> => {
    const store = await temporaryStore(kind);
    const opened = [
      await compose({ ...store.settings, ...settings }),
      await compose({ ...store.settings, ...settings }),
    ] as const;
    t.after(async () => {
      for (const { close } of opened) await close();
      await store.remove();
    });
    return [opened[0].context, opened[1].context];
  };

  test(`N4.7: ${kind}: the attempts of an account count for all nodes together`, options, async (t) => {
    const contexts = await nodes(t);
    const password = 'correct horse battery';
    await createAccount(contexts[0], library, { username: 'ada', email: 'ada@example.com', password });
    const tries = (word: string, count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, i) => {
          const login = i % 3 === 0 ? { email: 'ada@example.com' } : { username: 'ada' };
          return codeOf(signIn(contexts[i % 2]!, { login, password: word, ip: '192.0.2.1' }));
        }),
      );
    assert.deepEqual(counted(await tries(password, 24)), { 'is right': 24 });
    // The device is known, so it has as many attempts of its own.
    assert.deepEqual(counted(await tries('wrong', 24)), { invalid_credentials: 20, too_many_attempts: 4 });
    assert.deepEqual(counted(await tries(password, 2)), { too_many_attempts: 2 });
  });

  test(`${kind}: so do those of an address, whatever names it tries`, options, async (t) => {
    const contexts = await nodes(t, { attempts: { loginFromAddress: { max: 6, window: hour } } });
    const tries = (from: number) =>
      Promise.all(
        Array.from({ length: 8 }, (_, i) => {
          const login = { username: `name-${i}` };
          return codeOf(signIn(contexts[i % 2]!, { login, password: 'wrong', ip: `2001:db8:1:${from}:${i}::1` }));
        }),
      );
    assert.deepEqual(counted(await tries(1)), { invalid_credentials: 6, too_many_attempts: 2 });
    assert.deepEqual(counted(await tries(2)), { invalid_credentials: 6, too_many_attempts: 2 });
  });

  test(`${kind}: NIST SP 800-63B-4 3.2.2: 100 second factors in a row, over days, on any node`, options, async (t) => {
    const contexts = await nodes(t, { attempts: { secondFactor: { max: 1000, window: hour } } });
    assert.deepEqual(contexts[0].attempts.secondFactorInARow, { max: 100, window: 30 * day });
    const { id } = await createAccount(contexts[0], library, { username: 'ada', password: 'correct horse battery' });
    const { account } = await contexts[0].store.readUser(id as AccountId);
    const codes = await Promise.all(
      Array.from({ length: 110 }, (_, i) => codeOf(useFactor(contexts[i % 2]!, account!, '000000'))),
    );
    assert.deepEqual(counted(codes), { second_factor_invalid: 100, too_many_attempts: 10 });
  });

  const bucket = 'login:ada';
  const rule = { max: 3, window: hour };
  /** Three guesses on one node that stay open until their result is reported, and one on the other node. */
  const underWay = async ([one, other]: Nodes) => {
    let say = (_right: boolean) => {};
    const told = new Promise<boolean>((resolve) => {
      say = resolve;
    });
    const look = async () => assert.ok(await told, 'wrong');
    let looked = 0;
    const first = Array.from({ length: rule.max }, () =>
      guess(one, { bucket }, rule, () => {
        looked += 1;
        return look();
      }).catch(() => {}),
    );
    while (looked < rule.max) await new Promise(setImmediate);
    let asked = 0;
    const { store } = other;
    const counting = {
      takeAttempt: (...args: Parameters<typeof store.takeAttempt>) => {
        asked += 1;
        return store.takeAttempt(...args);
      },
      clearAttempts: store.clearAttempts.bind(store),
      failAttempt: store.failAttempt.bind(store),
    };
    const another = { ...other, store: counting as unknown as typeof store };
    const waiting = codeOf(guess(another, { bucket }, rule, async () => {}));
    // Until it has retried in vain once; or it gives up at once, which the test will notice.
    let isOver = false;
    void waiting.finally(() => {
      isOver = true;
    });
    while (asked < 4 && !isOver) await new Promise(setImmediate);
    return { say, first, waiting };
  };

  test(`${kind}: correct guesses in parallel do not count as failures, on any nodes`, options, async (t) => {
    const { say, first, waiting } = await underWay(await nodes(t));
    say(true);
    assert.equal(await waiting, 'is right');
    await Promise.all(first);
  });

  test(`${kind}: and wrong ones do, as soon as that is known`, options, async (t) => {
    const { say, first, waiting } = await underWay(await nodes(t));
    say(false);
    assert.equal(await waiting, 'too_many_attempts');
    await Promise.all(first);
  });

  test(`${kind}: guesses of a dead node make nobody wait for long`, options, async (t) => {
    const [one, other] = await nodes(t);
    for (let i = 0; i < rule.max; i++) await one.store.takeAttempt(bucket, rule, one.clock.nowForEnd());
    const later = { nowForEnd: () => one.clock.nowForEnd() + 31_000 } as AuthorityContext['clock'];
    assert.equal(
      await codeOf(guess({ ...other, clock: later }, { bucket }, rule, async () => {})),
      'too_many_attempts',
    );
  });
}

function codeOf(guessed: Promise<unknown>): Promise<string> {
  return guessed.then(
    () => 'is right',
    (error: unknown) => {
      if (isCurfewError(error)) return error.code;
      throw error;
    },
  );
}

function counted(codes: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    [...new Set(codes)].sort().map((code) => [code, codes.filter((one) => one === code).length]),
  );
}
