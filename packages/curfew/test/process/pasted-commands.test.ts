import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { examples, readPage, root } from '../support/pages.ts';

const pages = ['README.md', 'CONTRIBUTING.md', ...globSync(['docs/**/*.md', 'packages/*/README.md'], { cwd: root })];

/** What zsh would do with a line, other than bash does; `undefined` if nothing. */
function surpriseIn(line: string): string | undefined {
  // An expectation or a remark; without `interactivecomments`, zsh reads it as a command.
  if (line.startsWith('#')) return quotesIn(line) ? undefined : 'a quote in a comment stays open';
  const bare = line
    .replaceAll(/'[^']*'/g, "''")
    .replaceAll(/\\./g, '')
    .replaceAll(/"[^"]*"/g, '""');
  if (/(^|\s)#/.test(bare)) return 'a comment after a command';
  if (/[?*[\]]/.test(bare)) return 'a pattern without quotes';
  return /^(end|foreach|repeat|nocorrect)\b/.test(bare) ? 'a reserved word of zsh' : undefined;
}

function quotesIn(comment: string): boolean {
  return comment.replaceAll(/"[^"]*"/g, '').search(/["'`]/) < 0;
}

test('the commands in the documentation can be pasted into zsh', () => {
  for (const page of pages) {
    for (const line of examples('sh', readPage(page)).flatMap((example) => example.split('\n'))) {
      assert.equal(surpriseIn(line), undefined, `${page}: ${line}`);
    }
  }
});

test('every answer that curl shows in the documentation ends its line', () => {
  for (const page of pages) {
    for (const line of examples('sh', readPage(page)).flatMap((example) => example.split('\n'))) {
      if (/^(\w+\(\) \{ )?curl\b/.test(line)) assert.match(line, /-s?w '[^']*\\n'/, `${page}: ${line}`);
    }
  }
});
