import assert from 'node:assert/strict';
import { test } from 'node:test';
import { day } from '../../src/domain/limits.ts';
import { readPage, section } from '../support/pages.ts';
import { startRecorded } from '../support/routes.ts';
import { TestServer } from '../support/server.ts';

const page = readPage('docs/rocketchat.md');

test('7.1.3: docs/rocketchat.md states the lifetimes in effect, and who ends what', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { policy } = server.context;
  const lifetimes = section(page, 'Lifetimes, and who ends what');
  assert.deepEqual([policy.absolute, policy.idle], [30 * day, 7 * day]);
  assert.ok(
    lifetimes.includes(`at most ${policy.absolute / day} days, and ${policy.idle / day} days without activity`),
  );
  for (const who of ['a person', 'an administrator', 'a disabled account', 'a changed password']) {
    assert.match(lifetimes, new RegExp(`^\\| ${who} ends \\|`, 'm'));
  }
});

test('docs/rocketchat.md names exactly the supported routes', async (t) => {
  const { server, routes } = await startRecorded({ CURFEW_DIALECTS: 'rocketchat' });
  t.after(() => server.close());
  const there = routes.filter(({ url }) => url.startsWith('/api/v1/')).map(({ method, url }) => `${method} ${url}`);
  const told = [...section(page, 'Supported calls').matchAll(/^\| `(GET|POST) ([\w./]+)`/gm)];
  assert.deepEqual(told.map(([, method, path]) => `${method} /api/v1/${path}`).sort(), there.sort());
});
