import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import GithubSlugger from 'github-slugger';
import MarkdownIt, { type Token } from 'markdown-it';

/*
 * What a link in a page leads to, and whether that exists. Pages link as on a code host, by relative paths and by the
 * anchors that it makes from titles.
 */

const markdown: MarkdownIt = new MarkdownIt({ html: true });

/** A link into this repository: a path from its root and perhaps an anchor. `undefined`: a link to elsewhere. */
export function targetOf(from: string, href: string): { path: string; anchor: string } | undefined {
  if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(href)) return undefined;
  const [path = '', anchor = ''] = href.split('#');
  return { path: path === '' ? from : join(dirname(from), decodeURIComponent(path)), anchor };
}

/** Every link or anchor in these pages that leads nowhere, as `path:line: what is wrong`. `root`: a folder. */
export function deadLinks(pages: readonly string[], root: string): string[] {
  const anchors = new Map<string, Set<string>>();
  const anchorsAt = (path: string) => {
    const known = anchors.get(path) ?? anchorsOf(readFileSync(join(root, path), 'utf8'));
    anchors.set(path, known);
    return known;
  };
  return pages.flatMap((page) =>
    linksOf(readFileSync(join(root, page), 'utf8')).flatMap(({ href, line }) => {
      const target = targetOf(page, href);
      if (!target) return [];
      const { path, anchor } = target;
      if (href.startsWith('/') || path.startsWith('..') || !existsSync(join(root, path))) {
        return [`${page}:${line}: ${href} leads to no file`];
      }
      if (anchor === '' || !path.endsWith('.md') || anchorsAt(path).has(decodeURIComponent(anchor))) return [];
      return [`${page}:${line}: ${href} leads to no heading of ${relative('.', path)}`];
    }),
  );
}

/** The anchors of a page: of its headings, and those that it sets itself. */
function anchorsOf(text: string): Set<string> {
  const slugger = new GithubSlugger();
  const found = new Set<string>();
  const tokens = markdown.parse(text, {});
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'heading_open') found.add(slugger.slug(textOf(tokens[i + 1]!)));
    for (const part of [token, ...(token.children ?? [])]) {
      if (!part.type.startsWith('html_')) continue;
      for (const [, id] of part.content.matchAll(/\bid="([^"]+)"/g)) found.add(id!);
    }
  }
  return found;
}

const textOf = ({ children }: Token): string =>
  (children ?? []).map(({ type, content }) => (/^(text|code_inline)$/.test(type) ? content : '')).join('');

function linksOf(text: string): { href: string; line: number }[] {
  let line = 1;
  return markdown.parse(text, {}).flatMap(({ children, map }) => {
    // What is in a cell of a table has no line of its own; its row has.
    if (map) line = map[0] + 1;
    return (children ?? []).flatMap((token) => {
      if (/break$/.test(token.type)) line += 1;
      const href = token.attrGet('href') ?? token.attrGet('src');
      return href === null ? [] : [{ href, line }];
    });
  });
}
