import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifests } from '../../../../tools/manifests.ts';

/** What only somebody who publishes can say, as if somebody had. */
const publisher = {
  author: { name: 'The Curfew authors', email: 'ada@example.com' },
  repository: { type: 'git', url: 'git+https://example.com/curfew.git' },
  bugs: { url: 'https://example.com/curfew/issues' },
};

/** The manifest of a package as it is published. */
export function publishedManifest(name: string): string {
  const workspace = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../package.json'), 'utf8'));
  const found = manifests({ ...workspace, ...publisher }).get(`packages/${name}/package.json`);
  if (found === undefined) throw new Error(`${name} is not published`);
  return found;
}
