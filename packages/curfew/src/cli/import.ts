import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { importStore } from '../authority/import-session.ts';
import { isCurfewError } from '../errors.ts';
import { type ImportReceipt, importSessions } from '../import-sessions.ts';
import { kindNames, openSource } from '../sources/index.ts';
import { policyOf, readSecret, readSettings } from '../start/config.ts';
import { showStore } from '../stores/open.ts';
import { answer, contextOf, exitCodes, Stop } from './context.ts';
import { filePath, lifetime } from './option-values.ts';
import { startProgress } from './progress.ts';
import { counted, paint } from './terminal.ts';
import { importFile, storeHelp } from './transfer.ts';

type Options = { store?: string; input?: string } & KindOptions;

/** Options of an import from another application. */
type KindOptions = {
  from?: string;
  userId?: string;
  prefix?: string;
  table?: string;
  secret?: string;
  usersTable?: string;
  lifetime?: number;
  withoutData?: boolean;
  again?: boolean;
  dryRun?: boolean;
};

/** Other users of a machine see the options of a command, but not its environment. */
const fromVariable = 'CURFEW_IMPORT_FROM';

export function importCommand(program: Command): void {
  program
    .command('import')
    .description('fill an empty store from an export, or move the sessions of another application here')
    .argument(
      '[what]',
      `the file of an export (by default, standard input), or a kind of sessions: ${kindNames.join(', ')}`,
      filePath,
    )
    .option('--store <url>', storeHelp)
    .option('-i, --input <file>', 'the file of an export', filePath)
    .option(
      '--from <url>',
      `where the sessions of another application are: redis://… or postgres://…; with a password, better as the variable [${fromVariable}]`,
    )
    .option('--dry-run', 'show what would be imported, and write nothing')
    .option('--user-id <path>', "where the user's id is in a session's JSON, such as passport.user")
    .option('--prefix <text>', 'what the keys of the sessions begin with')
    .option('--table <name>', 'the table of the sessions, or schema.table')
    .option(
      '--secret <file>',
      "the file with Django's SECRET_KEY, to check whether it still accepts each session",
      filePath,
    )
    .option(
      '--users-table <name>',
      "the table of Django's users, or schema.table [auth_user, in the schema of --table]",
    )
    .option(
      '--lifetime <duration>',
      'how long a session that is used may go on from now, such as 30d [CURFEW_ABSOLUTE; for django, until its end]',
      lifetime,
    )
    .option('--without-data', 'leave out what the application keeps in its sessions')
    .option('--again', 'import once more, although the first import was long ago')
    .action(async (what: string | undefined, given: Options, command: Command) => {
      const options = withSource(what, given);
      const kind = kindOf(what, options);
      if (kind === undefined) await importFile(what ?? options.input, options, command);
      else await importKind(kind, options, command).catch(rethrow);
    });
}

/** The options, with `--from` from the environment if a kind is to be imported. */
function withSource(what: string | undefined, options: Options): Options {
  if (options.from !== undefined || what === undefined || !kindNames.includes(what)) return options;
  const from = readSecret(process.env, fromVariable);
  return from === undefined ? options : { ...options, from };
}

/** The kind to import, or `undefined` for a file. @throws Stop if it could be either, or neither */
function kindOf(what: string | undefined, { from, input, store: _, ...others }: Options): string | undefined {
  const usage = (text: string): never => {
    throw new Stop(exitCodes.usage, text);
  };
  const isKind = what !== undefined && kindNames.includes(what);
  const kinds = `The kinds are ${kindNames.join(', ')}.`;
  if (from !== undefined) {
    if (input !== undefined)
      usage('--input names the file of an export, and --from a store of another application: give one of them.');
    if (isKind) return what;
    const unknown =
      what === undefined
        ? '--from needs the kind of the sessions'
        : `${JSON.stringify(what)} is not a kind of sessions`;
    usage(`${unknown}, as in: curfew import connect-redis --from ${JSON.stringify('redis://…')}. ${kinds}`);
  }
  if (isKind) {
    const file = existsSync(what) ? ` To import the file of that name, write ./${what}.` : '';
    usage(`The sessions of ${what} are read from a store: name it with --from or ${fromVariable}.${file}`);
  }
  if (what !== undefined && input !== undefined) usage(`There are two files to import: ${what} and ${input}.`);
  const [other] = Object.keys(others);
  if (other !== undefined)
    usage(
      `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} belongs to an import with --from. ${kinds}`,
    );
  return undefined;
}

async function importKind(kind: string, options: KindOptions & { store?: string }, command: Command): Promise<void> {
  const context = contextOf(command);
  const { settings } = readSettings(process.env, options.store === undefined ? {} : { store: options.store });
  const dryRun = options.dryRun === true;
  const opened = await openSource(kind, { ...options, from: options.from! });
  const bar = startProgress(context.terminal, 'entries', opened.source.about);
  let close: (() => Promise<void>) | undefined;
  try {
    // Only here: these load what opens stores and hashes passwords.
    const [{ pooledRandom }, { openTarget, readTarget }] = await Promise.all([
      import('../start/compose.ts'),
      import('../start/import-target.ts'),
    ]);
    const random = pooledRandom();
    const onWarning = (text: string) => context.terminal.err(paint('yellow', text));
    const target = dryRun ? await readTarget(settings) : await openTarget(settings, { random, onWarning });
    close = target?.close;
    if (!dryRun) await target?.begin?.(kind, opened.source.shown, options.again === true);
    const policy = policyOf(settings);
    const lifetime = options.lifetime ?? (opened.slides ? policy.absolute : 0);
    const receipt = await importSessions(opened, {
      parts: {
        into: target && (await importStore(target.store)),
        random,
        policy,
        strict: settings.assurance !== undefined,
        lifetime,
      },
      dryRun,
      withoutData: options.withoutData === true,
      now: () => target?.clock.now() ?? Date.now(),
      progress: (done, about) => bar.update(done, about),
    });
    bar.stop();
    const told = { kind, from: opened.source.shown, store: showStore(settings.store), dryRun, ...receipt };
    answer(context, told, textOf);
    process.exitCode = codeOf(receipt);
  } finally {
    bar.stop();
    await close?.();
    await opened.source.close();
  }
}

type Told = ImportReceipt & { kind: string; from: string; store: string; dryRun: boolean };

const rows = {
  read: 'read',
  imported: 'imported',
  already: 'already here',
  renewed: 'used there since',
  timedOut: 'timed out here',
  expired: 'expired',
  withoutUser: 'without a user',
  other: 'not sessions',
  refused: 'refused',
} as const;

function textOf({ kind, from, store, dryRun, notes, reasons, ...receipt }: Told): string {
  const numbers = Object.entries(rows).map(([name, told]) => {
    const number = receipt[name as keyof typeof rows].toLocaleString('en');
    return [dryRun && name === 'imported' ? 'to import' : told, number] as const;
  });
  const [left, right] = [0, 1].map((column) => Math.max(...numbers.map((row) => row[column]!.length)));
  const lines = numbers.map(([told, number]) => `  ${paint('dim', told.padEnd(left!))}  ${number.padStart(right!)}`);
  const why = reasons.flatMap(({ reason, count, examples }) => [
    `${counted(count, 'entry', 'entries')}: ${paint('bold', reason)}`,
    ...examples.map(({ sha256, detail }) => paint('dim', `  ${sha256}…  ${detail}`)),
  ]);
  return [
    `${dryRun ? 'A dry run, which writes nothing: ' : ''}${kind} from ${from} into ${store}`,
    ...lines,
    ...(why.length > 0 ? ['', ...why] : []),
    ...(notes.length > 0 ? ['', ...notes.map((note) => paint('yellow', note))] : []),
  ].join('\n');
}

function codeOf({ read, other, refused }: ImportReceipt): number {
  if (refused > 0) return exitCodes.failed;
  return read === other ? exitCodes.nothing : exitCodes.done;
}

/** Errors that the exit code tells apart. */
function rethrow(error: unknown): never {
  const codes = { import_option: exitCodes.usage, source_unreachable: exitCodes.unreachable } as const;
  for (const [code, exit] of Object.entries(codes)) {
    if (isCurfewError(error, code as keyof typeof codes)) {
      throw new Stop(exit, error.message, { code, remedy: error.remedy });
    }
  }
  throw error;
}
