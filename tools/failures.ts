import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/** Arguments of `node --test`: its usual output, and in a file of that path the failures alone (see `failuresIn`). */
export function reportersOf(file: string): string[] {
  return [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${import.meta.url}`,
    `--test-reporter-destination=${file}`,
  ];
}

/** Empty without that file, which a run has that began. */
export function failuresIn(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/**
 * A reporter of failures: the name of each failed test, where it is, and its error. The usual reporter prints them as
 * well, but a run of everything has several outputs, and these are printed last, so that nobody needs to search.
 */
export default async function* failures(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type !== 'test:fail' || data.todo !== undefined) continue;
    const { error } = data.details;
    // A suite fails when one of its tests does, which is listed itself.
    if ((error as { failureType?: string }).failureType === 'subtestsFailed') continue;
    const place = data.file === undefined ? '' : ` (${relative(process.cwd(), data.file)}:${data.line})`;
    yield `✖ ${data.name}${place}\n${indent(inspect(error.cause ?? error, { depth: 6, maxArrayLength: 20, maxStringLength: 2000 }))}\n`;
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
