import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * The title of a test begins with the requirements that it proves: their numbers, separated by commas, and a colon.
 *
 *     test('7.2.4, CVE-2026-7507: signing in again …', …)
 *
 * This is all that is needed to appear in docs/security.md.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where tests are, including the rules for stores, which are tests in another form. */
const places = ['packages/*/test/**/*.ts', 'engines/*/test/**/*.ts', 'packages/curfew/src/stores/conformance/*.ts'];

/** A test, or a rule for stores, with the text of its title. */
const declaration = /\b(?:(?:test|it|describe)(?:\.\w+)?\(|name:)\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;

/** A text that looks like the number of a requirement, so that a mistyped number is noticed. */
const number = /^(?:\d+\.\d+\.\d+|(?:CVE|GHSA)-\S+|NIST \S+|N\d+\.\d+)/;

export type Shown = { ids: readonly string[]; title: string; file: string };

/** Every test whose title names requirements, in the order of files and lines. */
export function titlesIn(known: ReadonlySet<string>): Shown[] {
  return globSync(places, { cwd: root, exclude: (path) => path.includes('node_modules') })
    .sort()
    .flatMap((file) =>
      [...readFileSync(root + file, 'utf8').matchAll(declaration)].flatMap(([, , text]) => {
        const shown = readTitle(text!, known);
        return shown ? [{ ...shown, file }] : [];
      }),
    );
}

/**
 * The requirements that a title names; `undefined` if it names none.
 * @throws a plain `Error` when it begins with an unknown number
 */
export function readTitle(text: string, known: ReadonlySet<string>): Omit<Shown, 'file'> | undefined {
  const [, marks, title] = /^([^:]*): (.*)$/s.exec(text) ?? [];
  const ids = marks?.split(', ') ?? [];
  if (title !== undefined && ids.every((id) => known.has(id))) {
    return { ids, title: title.replace(/\$\{[^}]*\}/g, '…').replace(/\\(.)/g, '$1') };
  }
  if (!number.test(text)) return undefined;
  throw new Error(`«${text}» begins like a requirement; write known numbers, separated by commas, and a colon`);
}
