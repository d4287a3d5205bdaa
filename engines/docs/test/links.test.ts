import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { deadLinks } from '../src/links.ts';

/** The dead links of these pages, in a folder with nothing else. */
function deadIn(files: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-links-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const pages = Object.keys(files).filter((path) => path.endsWith('.md'));
    return deadLinks(pages, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a link that leads nowhere is found, with its page and its line', () => {
  test('a page, a picture or a file that does not exist', () => {
    const text = '# A\n\nA [page](docs/gone.md),\na ![picture](gone.png) and `code`\nand a [file](src/gone.ts).\n';
    assert.deepEqual(deadIn({ 'README.md': text }), [
      'README.md:3: docs/gone.md leads to no file',
      'README.md:4: gone.png leads to no file',
      'README.md:5: src/gone.ts leads to no file',
    ]);
  });

  test('a heading that does not exist, on the same page or another one, in a table, too', () => {
    const text = '# A\n\n## Here\n\n[here](#here) [gone](#gone)\n\n| a |\n|---|\n| [b](docs/b.md#gone) |\n';
    assert.deepEqual(deadIn({ 'README.md': text, 'docs/b.md': '# B\n' }), [
      'README.md:5: #gone leads to no heading of README.md',
      'README.md:9: docs/b.md#gone leads to no heading of docs/b.md',
    ]);
  });

  test('a way out of the repository, or from its root, which code hosts understand differently', () => {
    assert.deepEqual(deadIn({ 'a.md': '[a](../../etc/passwd) [b](/a.md)\n' }), [
      'a.md:1: ../../etc/passwd leads to no file',
      'a.md:1: /a.md leads to no file',
    ]);
  });

  test('everything else is alive: repeated headings, code in them, anchors of a page’s own, folders, other sites', () => {
    const files = {
      'README.md':
        '[1](docs/b.md#the-x-option) [2](docs/b.md#again-1) [3](docs/b.md#own) [4](docs) [5](https://a.example/#x) ' +
        '[6](mailto:a@b.example) [7](docs/b.md#get-v1sessionsid) `[8](code.md)`\n\n```md\n[9](block.md)\n```\n',
      'docs/b.md':
        '# B\n\n## The `x` option\n\n## Again\n\n## Again\n\n## GET /v1/sessions/{id}\n\n| a |\n|---|\n| <a id="own"></a>a |\n',
    };
    assert.deepEqual(deadIn(files), []);
  });
});
