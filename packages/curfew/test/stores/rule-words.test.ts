import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Script } from '../../src/stores/redis/scripts/script.ts';
import { ruleWords } from '../support/rule-words.ts';

const folder = new URL('../../src/stores/redis/scripts/', import.meta.url);

describe('a rule is written once, in TypeScript', () => {
  test('no script on Redis knows a word of a rule', async () => {
    const scripts = new Map<string, string>();
    for (const file of readdirSync(folder)) {
      const all = Object.values((await import(new URL(file, folder).href)) as Record<string, Script>);
      for (const one of all) if (typeof one === 'object' && 'sha1' in one) scripts.set(one.name, one.source);
    }
    assert.ok(scripts.size > 30, `${scripts.size} scripts`);
    const found = [...scripts].flatMap(([name, source]) => ruleWords(source).map((where) => `${name}: ${where}`));
    assert.deepEqual(found, []);
  });

  test('the words of rules are found where they are', () => {
    for (const program of [
      `if limit == 'refuse' then return end`,
      `return { at, 'policy', at == tonumber(row[11]) and 'expired' or 'idle' }`,
      `UPDATE sessions SET end_reason = 'everyone'`,
      `SELECT array_agg(DISTINCT g) FROM unnest(s.groups || asked.added) g`,
      `answer := 'name_taken';`,
    ]) {
      assert.notDeepEqual(ruleWords(program), [], program);
    }
    assert.deepEqual(ruleWords(`local n = redis.call('HGET', shared .. 'everyone', step) -- refuses`), []);
  });
});
