import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorsOutput, operations, services } from 'curfew-nodes';

/** How an error leaves a node, in the words of each engine. */
export const modesOf = {
  /** Its setting “On Error”. */
  'n8n-core': ['stop', 'continue', 'error output'],
  /** A Catch node gets it in any case; with manual management an output of the node does too. */
  'Node-RED': ['catch', 'error output'],
} as const;
export type Engine = { readonly kind: keyof typeof modesOf; readonly version: string };

export const loggedOut = 'loggedOut';
export const logOutOf = (service: string): string => `logOut of ${service}`;

/** Every output of every operation, and of Log Out of every service. */
export const wantedRows: readonly string[] = [
  ...operations.flatMap(({ name, outputs }) => [...outputs, errorsOutput].map((output) => rowOf(name, output.name))),
  ...services.flatMap(({ name }) => [loggedOut, errorsOutput.name].map((output) => rowOf(logOutOf(name), output))),
];

function rowOf(operation: string, output: string): string {
  return `${operation} → ${output}`;
}

type Cell = { readonly engine: string; readonly row: string; readonly mode: string };
const nameOf = ({ kind, version }: Engine) => `${kind} ${version}`;

/**
 * What has passed in an engine. With the variable `CURFEW_TEST_PASSES` it is kept in that folder, where what all suites
 * have kept makes one table.
 */
export class Passes {
  readonly #engine: string;
  readonly #suite: string;
  readonly #cells: Cell[] = [];

  constructor(engine: Engine, suite: string) {
    this.#engine = nameOf(engine);
    this.#suite = suite;
  }

  note(operation: string, output: string, mode: string): void {
    this.#cells.push({ engine: this.#engine, row: rowOf(operation, output), mode });
  }

  keep(folder: string | undefined = process.env['CURFEW_TEST_PASSES']): void {
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${this.#engine} ${this.#suite}.json`), JSON.stringify(this.#cells));
  }
}

/** One line for each output of each operation, one column for each engine and way of an error; and where a pass is missing. */
export function tableOf(folder: string, engines: readonly Engine[]): { text: string; gaps: string[] } {
  const cells = readdirSync(folder).flatMap((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Cell[]);
  const passed = new Set(cells.map(({ engine, row, mode }) => `${engine} ${row} ${mode}`));
  const columns = engines.flatMap((engine) => modesOf[engine.kind].map((mode) => ({ engine: nameOf(engine), mode })));
  const gaps = wantedRows.flatMap((row) =>
    columns.flatMap(({ engine, mode }) =>
      passed.has(`${engine} ${row} ${mode}`) ? [] : [`${row}, ${engine}: ${mode}`],
    ),
  );
  const lines = [
    ['', ...columns.map(({ engine }, i) => (columns[i - 1]?.engine === engine ? '' : engine))],
    ['', ...columns.map(({ mode }) => mode)],
    ...wantedRows.map((row) => [
      row,
      ...columns.map(({ engine, mode }) => (passed.has(`${engine} ${row} ${mode}`) ? 'pass' : 'FAIL')),
    ]),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.slice(1).map((line) => line[i + 1]!.length)));
  // The name of an engine stands over all of its columns.
  const head = engines.map((engine) => {
    const own = columns.flatMap((column, i) => (column.engine === nameOf(engine) ? [widths[i]!] : []));
    return nameOf(engine).padEnd(own.reduce((sum, width) => sum + width + 2, 0));
  });
  const first = Math.max(...wantedRows.map((row) => row.length)) + 2;
  const body = lines.slice(1).map(([row, ...marks]) => {
    return row!.padEnd(first) + marks.map((mark, i) => mark.padEnd(widths[i]! + 2)).join('');
  });
  const total = wantedRows.length * columns.length;
  const text = [''.padEnd(first) + head.join(''), ...body, `${total - gaps.length} of ${total}`];
  return { text: text.map((line) => line.trimEnd()).join('\n'), gaps };
}
