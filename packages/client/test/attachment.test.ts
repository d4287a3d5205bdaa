import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attachment, StreamLost } from 'curfew-client/fence';
import { type Credential, type FromVerifier, textOf } from 'curfew-client/protocol';
import { steps } from '../../curfew/test/fence/steps.ts';

const tokenOf = (n: number) => `cfs_${String(n).padStart(22, '0')}${'x'.repeat(49)}`;
const aliasOf = (n: number) => ({ alias: { kind: 'express', secret: `secret ${n}` } });
const patience = 1000;

/** An attachment with a lease, to a node that answers only when the test does so. */
function attach() {
  const { timing, move } = steps();
  /** The credentials of the questions that were sent and not answered, by their numbers. */
  const open = new Map<number, string>();
  let most = 0;
  const send = (message: FromVerifier) => {
    if (message.type === 'renew') attachment.receive({ type: 'grant', ask: message.ask, length: 60_000, now: 0 });
    if (message.type !== 'ask') return;
    open.set(message.question, textOf('token' in message ? message.token : message));
    most = Math.max(most, open.size);
  };
  const attachment = new Attachment({
    timing,
    stream: { send, close() {} },
    key: 'cfk_x',
    holder: 'test',
    capacity: 100,
    patience,
    onReady() {},
    onEnd() {},
  });
  attachment.receive({ type: 'welcome', node: 'a', lease: 60_000, now: 0, aliases: true });
  return {
    attachment,
    move,
    /** Asks; how that ends can be read once the test has waited for anything. */
    ask(credential: Credential) {
      const asked: { ended?: unknown } = {};
      attachment.verifyLeased(credential, timing.mono() + patience).then(
        () => (asked.ended = 'answered'),
        (error: { code?: string }) => (asked.ended = error instanceof StreamLost ? 'lost' : error.code),
      );
      return asked;
    },
    /** Answers the question about a credential, or the first that is open. */
    answer(credential?: Credential) {
      const [found] = [...open].find(([, text]) => credential === undefined || text === textOf(credential))!;
      open.delete(found);
      attachment.receive({ type: 'answer', question: found, answer: { active: false, reason: 'unknown' } });
    },
    isOpen: (credential: Credential) => [...open.values()].includes(textOf(credential)),
    openAliases: () => [...open.values()].filter((text) => text.startsWith('express:')).length,
    most: () => most,
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('questions about aliases wait only for others about aliases, of which at most 24 are open, and no token waits for them', async () => {
  const { ask, answer, isOpen, openAliases } = attach();
  for (let n = 0; n < 40; n++) ask(tokenOf(n));
  await settled();
  for (let n = 0; n < 100; n++) ask(aliasOf(n));
  await settled();
  assert.equal(openAliases(), 24);
  // As under a steady load: there is another question about a token for each answer.
  for (let n = 40; n < 140; n++) {
    ask(tokenOf(n));
    await settled();
    assert.ok(isOpen(tokenOf(n)));
    answer();
    assert.ok(openAliases() <= 24);
  }
});

test('questions of a kind are sent in their order: one that waits is overtaken by none that was asked later', async () => {
  const { ask, answer, isOpen } = attach();
  const kinds = await Promise.all(
    [tokenOf, aliasOf].map(async (of) => {
      let first = -1;
      do {
        ask(of(++first));
        await settled();
      } while (isOpen(of(first)));
      for (let n = 1; n < 5; n++) ask(of(first + n));
      return { of, first };
    }),
  );
  for (let n = 0; n < 5; n++) {
    for (const { of, first } of kinds) {
      ask(of(first + 5 + 2 * n));
      await settled();
      answer(of(n));
      ask(of(first + 6 + 2 * n));
      await settled();
      const open = Array.from({ length: 15 }, (_, i) => isOpen(of(first + i)));
      assert.equal(open.lastIndexOf(true), n, `${textOf(of(first + n))} is not the next`);
    }
  }
});

test('the timeout counts from the question, also while that waits to be sent; then it is not sent any more', async () => {
  const { ask, answer, isOpen, move } = attach();
  const first = ask(aliasOf(0));
  for (let n = 1; n < 24; n++) ask(aliasOf(n));
  await settled();
  move(patience / 2);
  const [sent, queued] = [ask(aliasOf(24)), ask(aliasOf(25))];
  await settled();
  move(patience * 0.9);
  answer();
  await settled();
  assert.deepEqual([first.ended, isOpen(aliasOf(24)), isOpen(aliasOf(25))], ['answered', true, false]);
  move(patience * 1.5 - 1);
  await settled();
  assert.deepEqual([sent.ended, queued.ended], [undefined, undefined]);
  move(patience * 1.5);
  await settled();
  assert.deepEqual([sent.ended, queued.ended], ['timeout', 'timeout']);
  ask(aliasOf(26));
  await settled();
  answer();
  assert.deepEqual([isOpen(aliasOf(25)), isOpen(aliasOf(26))], [false, true]);
});

test('a node that answers too late is never asked more at a time: it still works on what nobody waits for any more', async () => {
  const { ask, answer, openAliases, most, move } = attach();
  for (let n = 0; n < 5; n++) {
    const asked = Array.from({ length: 40 }, (_, i) => ask(aliasOf(40 * n + i)));
    await settled();
    move(patience * (n + 1));
    await settled();
    assert.ok(asked.every(({ ended }) => ended === 'timeout'));
  }
  assert.deepEqual([openAliases(), most()], [24, 24]);
  const last = ask(aliasOf(1000));
  await settled();
  while (last.ended === undefined) {
    answer();
    await settled();
  }
  assert.equal(last.ended, 'answered');
});

test('when the stream is lost, so are the questions that wait to be sent', async () => {
  const { attachment, ask } = attach();
  const asked = Array.from({ length: 600 }, (_, n) => ask(n % 2 ? tokenOf(n) : aliasOf(n)));
  await settled();
  attachment.end({ leaving: false });
  await settled();
  assert.deepEqual(new Set(asked.map(({ ended }) => ended)), new Set(['lost']));
});
