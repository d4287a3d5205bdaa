import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { unknownOfPublisher } from '../../../tools/manifests.ts';
import { publishedManifest } from './support/publisher.ts';

const root = join(import.meta.dirname, '../../..');

test('whoever publishes says once where the sources, the issues and the authors are; every package says it then', () => {
  const names = globSync('packages/*/package.json', { cwd: root })
    .map((path) => path.split('/')[1]!)
    .filter((name) => !JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')).private);
  assert.ok(names.length >= 5, String(names));
  for (const name of names) {
    const { repository, bugs, author, homepage, license } = JSON.parse(publishedManifest(name));
    assert.deepEqual(repository, {
      type: 'git',
      url: 'git+https://example.com/curfew.git',
      directory: `packages/${name}`,
    });
    assert.deepEqual(
      [bugs.url, author.email, license],
      ['https://example.com/curfew/issues', 'ada@example.com', 'MIT'],
    );
    assert.match(homepage, /^https:\/\/www\.npmjs\.com\/package\//);
  }
  assert.deepEqual(unknownOfPublisher({ name: 'nobody said anything' }), ['author.email', 'repository', 'bugs']);
});

test('no package leads to a domain that is reserved for examples', () => {
  const files = globSync(
    ['packages/*/package.json', 'packages/n8n-nodes-*/{nodes,credentials}/**/*.{ts,json}', 'packages/*/README.md'],
    { cwd: root },
  );
  assert.ok(files.length > 15);
  for (const file of files) {
    // What a field shows as an example may; where a link leads must not.
    const links = readFileSync(join(root, file), 'utf8').matchAll(
      /(?:documentationUrl = |"(?:url|homepage|email)": |\]\()['"]?([^'")]+)/g,
    );
    for (const [, to] of links) assert.doesNotMatch(to!, /(\.example\b|example\.(com|org|net))/, file);
  }
});
