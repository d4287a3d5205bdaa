import { globSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vitepress';
import { pages, root, routeOf } from './contents.ts';
import { deadLinks } from './links.ts';

/** The pages that the site leaves out: in no section, or only for the host of a package. */
const elsewhere = ['packages/curfew/README.md'];

/** Builds the site, unless a link leads nowhere or a page is in no section. `base`: the path that it is served at. */
export async function buildSite(base?: string): Promise<void> {
  const problems = [...missing(), ...overlapping(), ...deadLinks([...pages, ...elsewhere], root)];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  await build(join(root, 'engines/docs'), base ? { base } : {});
}

/** The pages of `docs/` that no section names. */
function missing(): string[] {
  return globSync('docs/**/*.md', { cwd: root })
    .filter((page) => !pages.includes(page))
    .map((page) => `${page} is in no section of engines/docs/src/contents.ts`);
}

/** Pages that would have the same path on the site. */
function overlapping(): string[] {
  const routes = Map.groupBy(pages, routeOf);
  return [...routes].flatMap(([route, those]) =>
    those.length > 1 ? [`${those.join(' and ')} would both be ${route}`] : [],
  );
}
