import { readFileSync } from 'node:fs';

/**
 * A page in which each code block that names a file contains that file's example: all of it, or its part between
 * `// #region example` and `// #endregion`. Those files run in the tests.
 */
export function withExamples(page: string): string {
  return page.replace(/^(```tsx? (\S+)\n).*?^```$/gms, (_, opening: string, path: string) => {
    const text = readFileSync(path, 'utf8');
    const [, part] = /^\/\/ #region example\n\n(.*?)^\/\/ #endregion$/ms.exec(text) ?? [];
    return `${opening}${part ?? text}\`\`\``;
  });
}
