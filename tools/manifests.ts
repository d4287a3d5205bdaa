import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/*
 * Who publishes, and where the sources and the issues are, stands once: in the workspace's own package.json, in npm's
 * fields. Each package that is published gets it from there. Before the first publishing `repository`, `bugs` and the
 * authors' address are not known, and nothing leads to a page that is not there.
 */

type Manifest = { name: string; private?: boolean; [field: string]: unknown };

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Manifest;
const root = join(import.meta.dirname, '..');

/** The page of a package that is there as soon as it is published, and shows its README. */
export const pageOf = (name: string) => `https://www.npmjs.com/package/${name}`;

/** The packages' manifests, by their path in the workspace, with what that says of all. */
export function manifests(workspace: Manifest = read(join(root, 'package.json'))): Map<string, string> {
  const files = new Map<string, string>();
  for (const path of globSync('packages/*/package.json', { cwd: root }).toSorted()) {
    const manifest = read(join(root, path));
    if (manifest.private) continue;
    files.set(path, `${JSON.stringify(withPublisher(manifest, workspace, dirname(path)), null, 2)}\n`);
  }
  return files;
}

/** What the workspace does not say yet, and whoever publishes does. */
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
