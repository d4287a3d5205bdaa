import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { judge, type Seen } from './chaos/history.ts';
import { startProxy } from './chaos/proxy.ts';

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

test('the checker accepts what the promise allows', () => {
  const history = [
    verify('a', 1, 1),
    // While an end is under way either answer is right, also when it comes later.
    end('a', 5, 10),
    verify('a', 6, 1),
    verify('a', 9.9, 1),
    verify('a', 10, 1),
    verify('a', 11, 0),
    verify('a', 12, -1),
    // Newer than promised is right; another session's end says nothing.
    change('b', 5, 7, 2),
    verify('b', 8, 3),
    verify('b', 20, 2),
  ];
  assert.deepEqual(judge(history), { violations: [], verifications: 7, active: 6, changes: 2 });
});

for (const [what, history] of Object.entries({
  'active after an end had returned': [end('a', 5, 10), verify('a', 10.001, 1)],
  'active long after, with much between': [
    end('a', 5, 10),
    ...Array.from({ length: 500 }, (_, i) => verify('b', 10 + i, 1)),
    verify('a', 9000, 7),
  ],
  'older groups than a change that had returned': [change('a', 1, 2, 4), verify('a', 3, 3)],
  'active by a version that is newer than the end': [change('a', 1, 2, 4), end('a', 3, 4), verify('a', 5, 4)],
  'one among many changes of the session': [
    change('a', 1, 2, 2),
    change('a', 3, 4, 3),
    change('a', 5, 6, 4),
    verify('a', 4.5, 2),
  ],
  'in a history that is in no order': [verify('a', 10.5, 1), verify('a', 1, 1), end('a', 2, 10)],
}) as [string, Seen[]][]) {
  test(`the checker finds a planted violation: ${what}`, () => {
    assert.equal(judge(history).violations.length, 1);
  });
}

test('the proxy holds back what passes through it, and never changes its order', async (t) => {
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
