/** Which case passed in which mode, printed as a table when all have run. */
export class Passes {
  readonly #engine: string;
  readonly #rows = new Map<string, { automatic: boolean; manual: boolean }>();

  constructor(engine: string) {
    this.#engine = engine;
  }

  note(operation: string, output: string, mode: 'automatic' | 'manual'): void {
    const key = `${operation} → ${output}`;
    const row = this.#rows.get(key) ?? { automatic: false, manual: false };
    this.#rows.set(key, { ...row, [mode]: true });
  }

  /** One line for each output of each operation. */
  print(): string {
    const mark = (passed: boolean) => (passed ? 'pass' : 'FAIL');
    const lines = [...this.#rows].map(
      ([key, { automatic, manual }]) => `${key.padEnd(40)} ${mark(automatic).padEnd(10)} ${mark(manual)}`,
    );
    const passes = [...this.#rows.values()].flatMap(({ automatic, manual }) => [automatic, manual]).filter(Boolean);
    return [
      `${this.#engine.padEnd(40)} ${'automatic'.padEnd(10)} manual`,
      ...lines,
      `${passes.length} of ${this.#rows.size * 2}`,
    ].join('\n');
  }
}
