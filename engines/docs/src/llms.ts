import { contents, filesOfSite, pages, readPage, routeOf, titleOf } from './contents.ts';
import { targetOf } from './links.ts';

/*
 * The pages for language models (llmstxt.org): each as Markdown at its own path, `llms.txt` with the list of them, and
 * `llms-full.txt` with all of them in one file.
 */

export function filesForModels(): Map<string, string> {
  const list = contents.map(
    ({ title, pages: ofSection }) =>
      `## ${title}\n\n${ofSection.map((page) => `- [${titleOf(page)}](${routeOf(page)}): ${firstSentence(page)}`).join('\n')}\n`,
  );
  return new Map([
    ...pages.map((page): [string, string] => [routeOf(page), asPage(page)]),
    [
      'llms.txt',
      `# Curfew\n\n> End any session, anywhere, now.\n\n${firstSentence('README.md')}\n\n${list.join('\n')}`,
    ],
    ['llms-full.txt', pages.map(asPage).join('\n\n')],
  ]);
}

/** A page with the site's links; a link to a file that the site does not have becomes plain text. */
function asPage(page: string): string {
  const here = routeOf(page);
  const parts = readPage(page)
    .replace(/^<!-- .*? -->\n+/, '')
    .split(/^(```.*?^```$)/ms);
  const linked = parts.map((part) =>
    part.startsWith('```')
      ? part
      : part.replace(/!?\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g, (link, text: string, href: string) => {
          const target = targetOf(page, href);
          if (!target || href.startsWith('#')) return link;
          if (link.startsWith('!')) return '';
          const published = pages.includes(target.path) ? routeOf(target.path) : filesOfSite[target.path];
          if (published === undefined) return text;
          const up = '../'.repeat(here.split('/').length - 1);
          return `[${text}](${up}${published}${target.anchor && `#${target.anchor}`})`;
        }),
  );
  return linked.join('');
}

/** The first sentence of a page's text, without its links. */
export function firstSentence(page: string): string {
  const paragraphs = readPage(page)
    .replace(/^<!-- .*? -->\n+/, '')
    .split(/\n\n+/);
  const first = paragraphs.find((text) => /^[A-Z]|^`|^\*\*[A-Z]/.test(text) && !text.startsWith('**End any'));
  const plain = (first ?? titleOf(page)).replace(/\s+/g, ' ').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return /^.*?[.:](?= |$)/.exec(plain)?.[0].replace(/:$/, '.') ?? plain;
}
