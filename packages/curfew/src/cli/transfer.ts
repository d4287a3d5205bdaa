import { once } from 'node:events';
import { createReadStream, createWriteStream, lstatSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { escapeSteering } from '../domain/steering.ts';
import { CurfewError } from '../errors.ts';
import { readSettings, type Settings } from '../start/config.ts';
import { confirmNew } from '../start/confirm-new.ts';
import { existingSecretKey } from '../start/secret-key.ts';
import { folderOf, openStore, openStoreToRead, showStore } from '../stores/open.ts';
import { exportLines, importLines, splitLines } from '../transfer.ts';
import { makeWhole, sync } from '../whole.ts';
import { type Context, contextOf, exitCodes, Stop } from './context.ts';
import { filePath } from './option-values.ts';
import { startProgress } from './progress.ts';
import { counted, paint, stopWithReader } from './terminal.ts';

type Options = { store?: string; output?: string };

export const storeHelp = 'the store; if it is embedded, no server may have it open [CURFEW_STORE]';

export function exportStore(program: Command): void {
  program
    .command('export')
    .description('write the content of a store as lines of JSON, for another store or as a backup')
    .option('--store <url>', storeHelp)
    .option('-o, --output <file>', 'the file to write; by default, standard output', filePath)
    .action(async (options: Options, command: Command) => {
      const { settings, key, context } = prepare(options, command);
      const store = await openStoreToRead(settings.store);
      const bar = startProgress(context.terminal, 'records', 0);
      try {
        let written = 0;
        const lines = exportLines(store, key, Date.now(), (done, about) => {
          written = done;
          bar.update(done, about);
        });
        await write(lines, options.output);
        bar.stop();
        context.terminal.err(`${counted(written, 'record')} of ${showStore(settings.store)} exported.`);
        if (!key) context.terminal.err(keyNote);
      } finally {
        bar.stop();
        await store.close();
      }
    });
}

/** Fills an empty store from an export: a file, or standard input. */
export async function importFile(path: string | undefined, options: Options, command: Command): Promise<void> {
  const { settings, key, context } = prepare(options, command);
  const input = path === undefined ? process.stdin : await opened(path);
  const store = await openStore(settings.store);
  const bar = startProgress(context.terminal, 'records', 0);
  try {
    // Servers must not take the imported sessions for those of a store that has been failed over.
    await confirmNew(store);
    const progress = (count: number, about: number) => bar.update(count, about);
    const { records, keyMissing } = await importLines(store, splitLines(input), key, progress);
    bar.stop();
    context.terminal.err(`${counted(records, 'record')} imported into ${showStore(settings.store)}.`);
    if (keyMissing) context.terminal.err(keyNote);
  } finally {
    bar.stop();
    await store.close();
  }
}

const keyNote = paint(
  'yellow',
  'The servers need the secret key of the exported store (CURFEW_SECRET_KEY, or its file secret.key), which could not be compared.',
);

function prepare(
  options: Options,
  command: Command,
): { settings: Settings; key: Uint8Array | undefined; context: Context } {
  const { settings } = readSettings(process.env, options.store === undefined ? {} : { store: options.store });
  return { settings, key: existingSecretKey(settings, folderOf(settings.store)), context: contextOf(command) };
}

async function opened(path: string): Promise<Readable> {
  const file = createReadStream(path);
  try {
    await once(file, 'open');
    return file;
  } catch (error) {
    throw new Stop(exitCodes.failed, `${path} cannot be read: ${(error as Error).message}`);
  }
}

/**
 * Writes at the reader's pace. A file is readable only by its owner, and gets its name when it is complete.
 * @throws `export_not_written`
 */
async function write(lines: AsyncIterable<string>, output: string | undefined): Promise<void> {
  if (output === undefined) return pass(lines);
  if (lstatSync(output, { throwIfNoEntry: false })) throw unwritten(output, 'it exists already');
  try {
    await makeWhole(output, async (unfinished) => {
      await pipeline(Readable.from(lines), createWriteStream(unfinished, { mode: 0o600, flags: 'wx' }));
      sync(unfinished);
    });
  } catch (error) {
    // Everything else is a fault of the store.
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : fileFault(error as never, output);
  }
}

/** Writes to standard output, whose reader needs all of it. */
async function pass(lines: AsyncIterable<string>): Promise<void> {
  const { stdout } = process;
  // Errors are those of the pipeline.
  stdout.off('error', stopWithReader).on('error', () => {});
  try {
    await pipeline(Readable.from(stdout.isTTY ? harmless(lines) : lines), stdout, { end: false });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') throw unwritten('standard output', 'its reader has stopped before the end', ofPart);
    throw syscall === undefined ? error : fileFault(error as never, 'standard output');
  }
}

const ofPart = 'Export again, to a reader that reads all of it or with --output to a file: a part cannot be imported.';

/** Lines that are shown on a terminal, which texts from others must not steer. */
async function* harmless(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield escapeSteering(line);
}

function fileFault(error: NodeJS.ErrnoException, path: string): CurfewError {
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  const remedy = 'Free space on its disk, or name a file on another one with --output; then export again.';
  return unwritten(path, error.message, isFull ? remedy : undefined);
}

function unwritten(path: string, why: string, remedy?: string): CurfewError {
  return new CurfewError('export_not_written', { detail: `${path}: ${why}.`, remedy });
}
