import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPage, root } from './support/pages.ts';

/** Wordings that CONTRIBUTING.md asks to avoid and that a pattern can find, with what to write instead. */
const avoided: [pattern: RegExp, instead: string][] = [
  [/\b(one|none) of ours\b/i, 'say what it is'],
  [/\bcounts first\b/i, 'takes precedence'],
  [/\bYou have not: /, 'You lack'],
  [/\bnot to be had\b/i, 'is not supported'],
  [/\bis over for good\b/i, 'has ended'],
  [/\blooked after\b/i, 'operated'],
  [/["'`}] is no [a-z]/, 'is not a …'],
  [/\bwhoever\b/i, 'somebody who, a client that'],
];

const pages = [
  ...['README.md', 'ARCHITECTURE.md', 'docs/**/*.md', 'packages/*/README.md', 'bench/README.md'],
  'packages/*/src/**/*.ts',
];
/** Their texts are parts of a store's schema. */
const kept = /stores\/(postgres\/migrations|redis\/scripts)\//;

test('no text in the documentation or the code has a wording that CONTRIBUTING.md asks to avoid', () => {
  const paths = globSync(pages, { cwd: root }).filter((path) => !kept.test(path));
  assert.ok(paths.length > 200, 'hardly any file was found');
  const found = paths.flatMap((path) =>
    readPage(path)
      .split('\n')
      .flatMap((line, i) =>
        avoided
          .filter(([pattern]) => pattern.test(line))
          .map(([, instead]) => `${join(path)}:${i + 1}: ${line.trim()} (write: ${instead})`),
      ),
  );
  assert.deepEqual(found, []);
});
