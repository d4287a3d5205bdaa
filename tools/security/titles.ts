import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * A test says in its title which requirements it shows: their numbers, with commas between them, and a colon.
 *
 *     test('7.2.4, CVE-2026-7507: signing in again …', …)
 *
 * That is all it takes to appear in docs/security.md.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where tests are, and the rules that every store must pass, which are tests by another way. */
const places = ['packages/*/test/**/*.ts', 'engines/*/test/**/*.ts', 'packages/curfew/src/stores/conformance/*.ts'];

/** A test, or a rule of the stores, with the text of its title. */
const declaration = /\b(?:(?:test|it|describe)(?:\.\w+)?\(|name:)\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;

/** What looks like the number of a requirement, so that a mistyped one is not taken for words. */
const number = /^(?:\d+\.\d+\.\d+|(?:CVE|GHSA)-\S+|NIST \S+|N\d+\.\d+)/;

export type Shown = { ids: readonly string[]; title: string; file: string };

/** Every test whose title says what it shows, in the order of files and lines. */
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
 * What a title says that it shows; `undefined` where it says nothing of the kind.
 * @throws a plain `Error` when it begins with a number that nobody knows
 */
export function readTitle(text: string, known: ReadonlySet<string>): Omit<Shown, 'file'> | undefined {
  const [, marks, title] = /^([^:]*): (.*)$/s.exec(text) ?? [];
  const ids = marks?.split(', ') ?? [];
  if (title !== undefined && ids.every((id) => known.has(id))) {
    return { ids, title: title.replace(/\$\{[^}]*\}/g, '…').replace(/\\(.)/g, '$1') };
  }
  if (!number.test(text)) return undefined;
  throw new Error(`«${text}» begins like a requirement; write known ones, with commas between, and a colon`);
}
