import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { Checker, type Judgement, type Seen } from './chaos/history.ts';
import { startProxy } from './chaos/proxy.ts';
import { restartIn, type StoreChange, unexplained } from './chaos/restarts.ts';

const verify = (session: string, began: number, answer: number): Seen => ({
  kind: 'verify',
  session,
  began,
  answer,
  times: 1,
  by: 'app',
});
const change = (session: string, asked: number, returned: number, version: number): Seen => ({
  kind: 'change',
  session,
  asked,
  returned,
  version,
});
const end = (session: string, asked: number, returned: number) => change(session, asked, returned, 0);
/** When changes may begin to be lost, and when the promoted standby serves. */
const failover = (begins: number, serves: number): { begins: Seen; serves: Seen } => ({
  begins: { kind: 'failover', what: 'begins', at: begins },
  serves: { kind: 'failover', what: 'serves', at: serves },
});

function judge(history: readonly Seen[]): Judgement {
  const checker = new Checker();
  for (const seen of history) checker.note(seen);
  return checker.judgement;
}

test('the checker accepts what the promise allows', () => {
  const history = [
    verify('a', 1, 1),
    // During an end either answer is right, even if it arrives later.
    end('a', 5, 10),
    verify('a', 6, 1),
    verify('a', 9.9, 1),
    verify('a', 10, 1),
    verify('a', 11, 0),
    verify('a', 12, -1),
    // A newer version than promised is right; another session's end is irrelevant.
    change('b', 5, 7, 2),
    verify('b', 8, 3),
    verify('b', 20, 2),
  ];
  assert.deepEqual(judge(history), { violations: [], verifications: 7, active: 6, changes: 2, lost: 0 });
});

const lagging = failover(20, 30);

test('the checker accepts that a lagging standby has lost changes that returned before it served', () => {
  const history = [
    lagging.begins,
    end('a', 15, 20),
    change('b', 22, 25, 2),
    verify('a', 26, 1),
    lagging.serves,
    verify('a', 31, 1),
    verify('b', 40, 1),
    end('c', 31, 32),
    verify('c', 31.5, 1),
    verify('c', 33, 0),
    end('d', 29, 900),
    verify('d', 901, 1),
  ];
  assert.deepEqual(judge(history), { violations: [], verifications: 6, active: 5, changes: 1, lost: 3 });
});

for (const [what, history] of Object.entries({
  'active after an end had returned': [end('a', 5, 10), verify('a', 10.001, 1)],
  'active long after, with much between': [
    end('a', 5, 10),
    ...Array.from({ length: 500 }, (_, i) => verify('b', 10 + i, 1)),
    verify('a', 9000, 7),
  ],
  'older groups than a change that had returned': [change('a', 1, 2, 4), verify('a', 3, 3)],
  'active with a version newer than the end': [change('a', 1, 2, 4), end('a', 3, 4), verify('a', 5, 4)],
  'one among many changes of the session': [
    change('a', 1, 2, 2),
    change('a', 3, 4, 3),
    change('a', 5, 6, 4),
    verify('a', 4.5, 2),
  ],
  'reported only after much else had been noted': [end('a', 2, 10), verify('a', 90, 0), verify('a', 10.5, 1)],
  'an end that returned after a failover and is not visible': [
    lagging.begins,
    lagging.serves,
    end('a', 31, 32),
    verify('a', 33, 1),
  ],
  'an end that was requested during a failover and returned after it': [
    lagging.begins,
    lagging.serves,
    end('a', 25, 1030.5),
    verify('a', 1033, 1),
  ],
  'an end that returned before the standby lagged and is lost': [
    end('a', 18, 19.9),
    lagging.begins,
    lagging.serves,
    verify('a', 33, 1),
  ],
  'the same, noted only while it lagged': [lagging.begins, end('a', 18, 19.9), lagging.serves, verify('a', 33, 1)],
  'an end after a change of the same session that a failover lost': [
    lagging.begins,
    change('a', 21, 22, 2),
    lagging.serves,
    end('a', 31, 32),
    verify('a', 33, 1),
  ],
  'an end between two failovers': [
    lagging.begins,
    lagging.serves,
    end('a', 31, 32),
    failover(40, 50).begins,
    failover(40, 50).serves,
    verify('a', 51, 1),
  ],
}) as [string, Seen[]][]) {
  test(`the checker finds a planted violation: ${what}`, () => {
    assert.equal(judge(history).violations.length, 1);
  });
}

test('the checker remembers the changes of a session until it is told to forget it, and no verifications', () => {
  const checker = new Checker();
  for (let i = 0; i < 1000; i++) {
    checker.note(end(`${i}`, i, i));
    checker.note(verify(`${i}`, i + 1, 0));
    checker.note(verify(`never changed ${i}`, i + 1, 1));
    if (i >= 10) checker.forget(`${i - 10}`);
  }
  assert.equal(checker.remembered, 10);
  checker.note(verify('999', 2000, 1));
  assert.equal(checker.judgement.violations.length, 1);
});

const restart = (at: number, reason = 'store_incarnation') => ({ at, reason });
const failedOver: StoreChange = { from: 10, until: 20 };

test('a server may start over once for each time that the store became another one while it ran', () => {
  const again = { from: 30, until: 40 };
  assert.deepEqual(unexplained([restart(15), restart(60, 'log_replaced')], 0, [failedOver, again]), []);
  // It started while the store was failing over.
  assert.deepEqual(unexplained([restart(21)], 15, [failedOver]), []);
});

for (const [what, restarts, started] of [
  ['before anything happened to the store', [restart(9)], 0],
  ['a second time', [restart(15), restart(16)], 0],
  ['for a change from before its start', [restart(25)], 21],
  ['for an unknown reason', [restart(15, 'none')], 0],
] as const) {
  test(`an unexplained restart is found: ${what}`, () => {
    assert.deepEqual(unexplained(restarts, started, [failedOver]), [restarts.at(-1)]);
  });
}

test("a restart is read from its line in a server's log, and from no other line", () => {
  const line = { level: 40, time: 7, reason: 'log_replaced', msg: 'the node starts over' };
  assert.deepEqual(restartIn(JSON.stringify(line)), { at: 7, reason: 'log_replaced' });
  assert.deepEqual(restartIn(JSON.stringify({ ...line, reason: undefined })), { at: 7, reason: 'none' });
  assert.equal(restartIn(JSON.stringify({ ...line, msg: 'listening' })), undefined);
});

test('the proxy delays traffic, and never changes its order', async (t) => {
  const count = 1500;
  const expected = Array.from({ length: count }, (_, i) => `${i} `).join('');
  const arrived: Buffer[] = [];
  const text = () => Buffer.concat(arrived).toString();
  const whole = Promise.withResolvers<void>();
  const target = createServer((socket) => {
    const hear = (data: Buffer) => {
      arrived.push(data);
      if (text().length === expected.length) whole.resolve();
    };
    socket.on('data', hear).on('error', () => {});
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  t.after(() => target.close());
  const proxy = await startProxy();
  t.after(() => proxy.close());
  proxy.target.port = (target.address() as AddressInfo).port;
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) proxy.delay((i * 7) % 30);
    socket.write(`${i} `);
    if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  proxy.delay(0);
  await whole.promise;
  assert.equal(text(), expected);
});
