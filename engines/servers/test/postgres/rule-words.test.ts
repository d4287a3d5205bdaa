import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPostgresStore } from '../../../../packages/curfew/src/stores/postgres/index.ts';
import {
  eventSearch,
  eventsStatement,
  listStatement,
  reads,
  writes,
} from '../../../../packages/curfew/src/stores/postgres/statements.ts';
import { ruleWords } from '../../../../packages/curfew/test/support/rule-words.ts';
import { PostgresServer } from './server.ts';

/** By triggers, and when an import ends. */
const calledElsewhere = ['complete_log', 'free_aliases', 'hold_aliases'];

/** Each kind of statement that this program sends. */
function statements(): string[] {
  const fixed = Object.values({ ...reads, ...writes }).map((one) => (typeof one === 'function' ? one('email') : one));
  const lists = (['active', 'suspended', 'ended'] as const).map(
    (status) => listStatement({ filter: { status }, after: undefined, now: 0 }, 1).statement,
  );
  return [...fixed, ...lists, eventsStatement(true), eventSearch(true, true)].map(({ text }) => text);
}

test('a rule is written once, in TypeScript: no statement and no function knows a word of a rule, and each function is called', async (t) => {
  const server = await PostgresServer.start();
  t.after(() => server.dispose());
  await server.createDatabase('words');
  const store = await openPostgresStore(server.url('words'));
  t.after(() => store.close());
  const client = await server.connect('words');
  t.after(() => client.end());
  const { rows } = await client.query(
    `SELECT proname AS name, coalesce(prosrc, '') || coalesce(pg_get_function_sqlbody(oid), '') AS source
     FROM pg_proc WHERE pronamespace = 'curfew'::regnamespace`,
  );
  const functions = new Map<string, string>();
  for (const { name, source } of rows) functions.set(name, `${functions.get(name) ?? ''}\n${source}`);
  const called = new Set<string>();
  const follow = (text: string) => {
    for (const [name, source] of functions) {
      if (called.has(name) || !new RegExp(`\\b${name}\\b`).test(text)) continue;
      called.add(name);
      follow(source);
    }
  };
  const sent = statements();
  for (const text of sent) follow(text);
  const uncalled = [...functions.keys()].filter((name) => !called.has(name));
  assert.deepEqual(uncalled.sort(), calledElsewhere);
  const found = [...sent.map((text) => [text.slice(0, 60), text] as const), ...functions].flatMap(([name, source]) =>
    ruleWords(source).map((where) => `${name}: ${where}`),
  );
  assert.deepEqual(found, []);
});
