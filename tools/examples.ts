import { readFileSync } from 'node:fs';

const blocks = /^(```\w+ (\S+\.\w+)\n).*?^```$/gms;

/** Whether any code block of a page names a file. */
export const namesFiles = (page: string): boolean => page.search(blocks) >= 0;

/**
 * A page in which each code block that names a file contains that file's example: all of it, or its part between
 * `// #region example` and `// #endregion`. Those files run in the tests.
 */
export function withExamples(page: string): string {
  return page.replace(blocks, (_, opening: string, path: string) => {
    const text = readFileSync(path, 'utf8');
    const [, part] = /^\/\/ #region example\n\n(.*?)^\/\/ #endregion$/ms.exec(text) ?? [];
    return `${opening}${part ?? text}\`\`\``;
  });
}
