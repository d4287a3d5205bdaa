import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { slug } from 'github-slugger';
import type MarkdownIt from 'markdown-it';
import { defineConfig } from 'vitepress';
import { contents, filesOfSite, others, pages, root, routeOf, titleOf } from '../src/contents.ts';
import { asTable } from '../src/diagrams.ts';
import { targetOf } from '../src/links.ts';
import { filesForModels, firstSentence } from '../src/llms.ts';

const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { repository?: { url: string } };
/** Where the source can be read, once the workspace's package.json says so. */
const source = repository?.url.replace(/^git\+/, '').replace(/\.git$/, '');
const icon = readFileSync(join(root, 'packages/console/src/icon.svg')).toString('base64');

export default defineConfig({
  title: 'Curfew',
  description: 'End any session, anywhere, now.',
  lang: 'en',
  srcDir: root,
  srcExclude: [...others],
  outDir: process.env['CURFEW_DOCS_FOLDER'] ?? join(root, 'dist/docs'),
  ignoreDeadLinks: 'localhostLinks',
  rewrites: Object.fromEntries(pages.map((page) => [page, routeOf(page)])),
  head: [['link', { rel: 'icon', href: `data:image/svg+xml;base64,${icon}` }]],
  vite: {
    plugins: [
      {
        // The pages are outside of the folder in which Vue is installed; what is built from them is not.
        name: 'vue-of-this-folder',
        enforce: 'pre',
        resolveId: (id, _importer, { ssr }) => (ssr && /^vue(\/|$)/.test(id) ? { id, external: true } : undefined),
      },
    ],
  },
  markdown: {
    // As code hosts do it.
    anchor: { slugify: slug },
    attrs: { disable: true },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    languageAlias: { caddyfile: 'nginx' },
    config: (markdown) => {
      markdown.core.ruler.push('curfew', (state) => {
        const { realPath, path } = state.env as { realPath?: string; path: string };
        const page = (realPath ?? path).slice(root.length + 1);
        state.tokens = state.tokens.flatMap((token) =>
          token.type === 'fence' && token.info === 'mermaid'
            ? state.md.parse(asTable(token.content), state.env)
            : token,
        );
        for (const { children } of state.tokens) {
          if (!children) continue;
          followLinks(children, page);
          // Otherwise Vue would evaluate two braces in code.
          for (const token of children) if (token.type === 'code_inline') token.attrSet('v-pre', '');
        }
        for (const token of state.tokens) if (token.type === 'table_open') token.attrSet('tabindex', '0');
        if (page.startsWith('docs/api/')) state.tokens = withTabs(state.tokens, state.Token);
      });
    },
  },
  themeConfig: {
    search: {
      provider: 'local',
      // Every word must be there, and a title counts most.
      options: { miniSearch: { searchOptions: { combineWith: 'AND', boost: { title: 4, titles: 2, text: 1 } } } },
    },
    outline: [2, 3],
    notFound: { quote: 'There is no page at this address.', linkText: 'To the first page' },
    nav: [
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'Frameworks', link: '/frameworks' },
      { text: 'API', link: '/api' },
      { text: 'Operation', link: '/operation' },
      ...(source ? [{ text: 'Source', link: source }] : []),
    ],
    sidebar: contents.map(({ title, pages: ofSection }) => ({
      text: title,
      items: ofSection.map((page) => ({
        text: menuTitle(page),
        link: `/${routeOf(page).replace(/(index)?\.md$/, '')}`,
      })),
    })),
  },
  transformPageData: (data) => ({ description: firstSentence(data.filePath) }),
  buildEnd: ({ outDir }) => {
    const files = Object.entries(filesOfSite).map(
      ([from, to]) => [to, readFileSync(join(root, from), 'utf8')] as const,
    );
    for (const [path, text] of [...filesForModels(), ...files]) {
      mkdirSync(dirname(join(outDir, path)), { recursive: true });
      writeFileSync(join(outDir, path), text);
    }
  },
});

/** What comes before the colon is enough for a menu. */
function menuTitle(page: string): string {
  return page === 'README.md' ? 'What Curfew is' : titleOf(page).replace('Example: ', '').split(':')[0]!;
}

type Tokens = ReturnType<MarkdownIt['parse']>;

/** Relative links of this repository become links of the site. Those to other files lead to the source, if it is known. */
function followLinks(tokens: Tokens, page: string): void {
  let dropped = false;
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const href = token.attrGet('href')!;
      // Within the page, they are right as they are; so are those that every heading has.
      const target = href.startsWith('#') ? undefined : targetOf(page, href);
      if (!target) continue;
      const to = siteLink(target);
      if (to !== undefined) token.attrSet('href', to);
      else {
        dropped = true;
        Object.assign(token, { type: 'text', content: '', attrs: null });
      }
    } else if (token.type === 'link_close' && dropped) {
      dropped = false;
      Object.assign(token, { type: 'text', content: '' });
    }
  }
}

function siteLink({ path, anchor }: { path: string; anchor: string }): string | undefined {
  if (filesOfSite[path] !== undefined) return `/${filesOfSite[path]}`;
  if (pages.includes(path)) return `/${routeOf(path)}${anchor && `#${anchor}`}`;
  return source && `${source}/blob/main/${path}`;
}

/** The two examples of an operation, one after another in the source, become two tabs. */
function withTabs(tokens: Tokens, Token: new (type: string, tag: string, nesting: 1 | -1) => Tokens[number]): Tokens {
  return tokens.flatMap((token, i) => {
    const [before, after] = [tokens[i - 1], tokens[i + 1]];
    const isPair = (one?: Tokens[number], other?: Tokens[number]) =>
      one?.type === 'fence' && one.info.startsWith('sh') && other?.type === 'fence' && other.info.startsWith('ts');
    if (isPair(token, after)) {
      token.info = 'sh [curl]';
      return [new Token('container_code-group_open', 'div', 1), token];
    }
    if (isPair(before, token)) {
      token.info = 'ts [TypeScript]';
      return [token, new Token('container_code-group_close', 'div', -1)];
    }
    return [token];
  });
}
