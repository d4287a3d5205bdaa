import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/*
 * The publisher, the repository and the issue tracker are set once, in npm's fields of the workspace's package.json.
 * Each published package gets them from there. Before the first publication, `repository`, `bugs` and the authors'
 * address are unknown, and no link leads to a page that does not exist.
 */

type Manifest = { name: string; private?: boolean; [field: string]: unknown };

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Manifest;
const root = join(import.meta.dirname, '..');

/** The npm page of a package, which exists once it is published and shows its README. */
export const pageOf = (name: string) => `https://www.npmjs.com/package/${name}`;

/** The packages' manifests, by path, with the fields from the workspace. */
export function manifests(workspace: Manifest = read(join(root, 'package.json'))): Map<string, string> {
  const files = new Map<string, string>();
  for (const path of globSync('packages/*/package.json', { cwd: root }).toSorted()) {
    const manifest = read(join(root, path));
    if (manifest.private) continue;
    files.set(path, `${JSON.stringify(withPublisher(manifest, workspace, dirname(path)), null, 2)}\n`);
  }
  return files;
}

/** The publisher's fields that the workspace does not set yet. */
export function unknownOfPublisher(workspace: Manifest = read(join(root, 'package.json'))): string[] {
  const { author, repository, bugs } = workspace;
  const email = (author as { email?: string } | undefined)?.email;
  return Object.entries({ 'author.email': email, repository, bugs })
    .filter(([, value]) => value === undefined)
    .map(([field]) => field);
}

function withPublisher(manifest: Manifest, workspace: Manifest, directory: string): Manifest {
  const { author, repository, bugs, homepage = pageOf(manifest.name) } = workspace;
  const common = {
    homepage,
    ...(bugs !== undefined && { bugs }),
    ...(repository !== undefined && {
      repository: { ...(typeof repository === 'string' ? { type: 'git', url: repository } : repository), directory },
    }),
    author,
  };
  const own = Object.entries(manifest).filter(
    ([field]) => !['homepage', 'bugs', 'repository', 'author'].includes(field),
  );
  const after = own.findIndex(([field]) => field === 'license') + 1;
  return Object.fromEntries([...own.slice(0, after), ...Object.entries(common), ...own.slice(after)]) as Manifest;
}
