import assert from 'node:assert/strict';
import { test } from 'node:test';
import { options } from '../../src/start/config.ts';
import { examples, readPage, runTerminal, section } from '../support/pages.ts';
import { TestServer } from '../support/server.ts';

const page = readPage('docs/directus.md');

test('docs/directus.md: the terminal session works as printed', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const commands = examples('sh', section(page, 'Try it')).join('\n');
  assert.equal(await runTerminal(commands, { URL: server.url, KEY: server.key }), 5);
});

test('7.1.3: docs/directus.md: the table of lifetimes matches the settings', () => {
  const table = section(page, 'Lifetimes, and who ends what');
  const written = {
    directusAccess: ['15m', '15 minutes'],
    directusSession: ['1d', 'a day since the last refresh'],
    idle: ['7d', '7 days without activity'],
    absolute: ['30d', '30 days whatever happens'],
  } as const;
  for (const [name, [fallback, words]] of Object.entries(written)) {
    const { env, fallback: set } = options[name as keyof typeof written];
    assert.equal(set, fallback);
    assert.ok(table.includes(words) && table.includes(env), `${env}: ${words}`);
  }
});
