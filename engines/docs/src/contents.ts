import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root: string = join(import.meta.dirname, '../../..');

/** The site's pages by section, in the order of its menu. The pages are files of this repository, used as they are. */
export const contents: readonly { title: string; pages: readonly string[] }[] = [
  { title: 'Start here', pages: ['README.md', 'docs/tutorial.md'] },
  {
    title: 'How to',
    pages: [
      'docs/how-to/log-out-everywhere.md',
      'docs/how-to/express.md',
      'docs/import.md',
      'docs/how-to/two-nodes.md',
      'docs/how-to/what-happens-when.md',
    ],
  },
  {
    title: 'In your application',
    pages: [
      'packages/client/README.md',
      'docs/frameworks.md',
      'docs/express-session.md',
      'docs/verifier.md',
      'docs/devices.md',
      'docs/forward-auth.md',
      'docs/sessions.md',
    ],
  },
  {
    title: 'Examples',
    pages: ['express', 'passport', 'hono', 'next', 'nginx'].map((name) => `examples/${name}/README.md`),
  },
  { title: 'API', pages: ['docs/api.md', ...apiPages(), 'docs/errors.md', 'docs/permissions.md'] },
  {
    title: 'Operation',
    pages: [
      'docs/web-console.md',
      'docs/configuration.md',
      'docs/deploy.md',
      'docs/operation.md',
      'docs/metrics.md',
      'docs/capacity.md',
      'docs/stores.md',
      'docs/postgres.md',
      'docs/redis.md',
    ],
  },
  {
    title: 'Other systems',
    pages: [
      'docs/rocketchat.md',
      'docs/directus.md',
      'docs/waha.md',
      'docs/altogic.md',
      'docs/nodes.md',
      'packages/n8n-nodes-curfew/README.md',
      'packages/n8n-nodes-log-out/README.md',
      'packages/node-red-curfew/README.md',
    ],
  },
  { title: 'Why it holds', pages: ['docs/fence/README.md', 'docs/security.md', 'bench/README.md'] },
  {
    title: 'Working on Curfew',
    pages: [
      'ARCHITECTURE.md',
      'CONTRIBUTING.md',
      'docs/engines.md',
      'docs/dependencies.md',
      'packages/console/README.md',
    ],
  },
].map(({ title, pages }) => ({ title, pages: pages.filter((page) => existsSync(join(root, page))) }));

/** Every page, as a path in this repository. */
export const pages: readonly string[] = contents.flatMap((section) => section.pages);

/** Files that are not pages, and their paths on the site. */
export const filesOfSite: Readonly<Record<string, string>> = { 'docs/openapi.json': 'openapi.json' };

/** The Markdown of this repository that is not on the site. */
export const others: readonly string[] = globSync('**/*.md', {
  cwd: root,
  exclude: (path) => /(^|\/)(node_modules|dist|\.[^/]+)$/.test(path),
}).filter((path) => !pages.includes(path));

export const readPage = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The path of a page on the site, as the name of a Markdown file there. */
export function routeOf(path: string): string {
  if (path === 'README.md') return 'index.md';
  return path
    .replace(/^(docs|packages)\//, '')
    .replace(/(.)\/README\.md$/, '$1.md')
    .replace(/^[A-Z]+\.md$/, (name) => name.toLowerCase());
}

/** The title of a page: its first heading. */
export function titleOf(path: string): string {
  const [, title] = /^# (.+)$/m.exec(readPage(path)) ?? [];
  if (title === undefined) throw new Error(`${path} has no title.`);
  return title.replaceAll('`', '');
}

/** In the order in which the overview lists them; they are all generated. */
function apiPages(): string[] {
  const overview = readFileSync(join(root, 'docs/api.md'), 'utf8');
  const place = (path: string) => overview.indexOf(`(${path.slice('docs/'.length)}`);
  return globSync('docs/api/*.md', { cwd: root }).sort((a, b) => place(a) - place(b));
}
