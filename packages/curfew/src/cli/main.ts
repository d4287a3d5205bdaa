import { Command, CommanderError } from 'commander';
import { CurfewApiError } from 'curfew-client';
import { isCurfewError } from '../errors.ts';
import { version } from '../version.ts';
import * as accounts from './accounts.ts';
import { accountsRecover } from './accounts-recover.ts';
import { backup } from './backup.ts';
import { exitCodes, Stop } from './context.ts';
import { doctor } from './doctor.ts';
import { events } from './events.ts';
import { groupsAdd, groupsRemove } from './groups.ts';
import { health } from './health.ts';
import { helpLayout } from './help.ts';
import { importCommand } from './import.ts';
import * as keys from './keys.ts';
import { login, logout } from './login.ts';
import { migrate } from './migrate.ts';
import { choice, seconds } from './option-values.ts';
import { secretKeyReplace } from './secret-key.ts';
import { serve } from './serve.ts';
import { sessionsEnd } from './sessions-end.ts';
import { sessionsEndAll } from './sessions-end-all.ts';
import { sessionsGet } from './sessions-get.ts';
import { sessionsList } from './sessions-list.ts';
import { columnsOf, jsonText, paint, stopWithReader, wrap, writeTo } from './terminal.ts';
import { totp } from './totp.ts';
import { exportStore } from './transfer.ts';
import { inOptions, remedyOf } from './words.ts';

const exits =
  '\nExit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the server cannot be reached, ' +
  '4 there was nothing to end or to change.';

const program = new Command('curfew')
  .description('End any session, anywhere, now.')
  .version(version)
  .option(
    '--url <url>',
    'the server [CURFEW_URL, that of the last login if its session is used, http://127.0.0.1:2873]',
  )
  .option('--token <token>', 'an API key or a session token [CURFEW_TOKEN, CURFEW_API_KEY, the last login]')
  .option('--code <code>', 'a second factor')
  .addOption(choice('--wait <how>', 'what to wait for when something ends or changes', ['everywhere', 'stored']))
  .option('--timeout <seconds>', 'how long to wait for an answer', seconds)
  .option('--json', 'print answers as JSON, and never prompt')
  .option('-y, --yes', 'do not ask for confirmation')
  .addHelpText('after', ({ error }) => wrap(exits, columnsOf(error ? process.stderr : process.stdout)))
  .exitOverride()
  .configureOutput({
    getOutHelpWidth: () => columnsOf(process.stdout),
    getErrHelpWidth: () => columnsOf(process.stderr),
    outputError: (text) => writeTo(process.stderr, paint('red', wrap(text.trimEnd(), columnsOf(process.stderr)))),
  })
  .configureHelp(helpLayout);

serve(program);
login(program);
logout(program);

const sessions = program.command('sessions').description('list and end sessions');
for (const add of [sessionsList, sessionsGet, sessionsEnd, sessionsEndAll]) add(sessions);
const groups = program.command('groups').description('change the access groups of sessions');
for (const add of [groupsAdd, groupsRemove]) add(groups);
const accountCommands = program.command('accounts').description('manage accounts');
for (const add of [...Object.values(accounts), accountsRecover]) add(accountCommands);
const keyCommands = program.command('keys').description('manage API keys');
for (const add of Object.values(keys)) add(keyCommands);

events(program);
secretKeyReplace(
  program.command('secret-key').description("manage the servers' key, which encrypts authenticator secrets"),
);
for (const add of [backup, exportStore, importCommand, migrate]) add(program);
doctor(program);
health(program);
totp(program);

process.stdout.on('error', stopWithReader);

// A server goes on, and shuts down as it should, when nobody can read what it tells any more: Ctrl-C ends `tee` first.
process.stderr.on('error', () => {});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = tell(error);
}

/** Prints what went wrong and what to do about it; returns the exit code. */
function tell(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof Stop) {
    if (error.message) say(error.message, error.error.remedy, error.error.code);
    return error.code;
  }
  if (error instanceof CurfewApiError) {
    say(inOptions(error.message), remedyOf(error), error.code);
    return ['unreachable', 'timeout'].includes(error.code) ? exitCodes.unreachable : exitCodes.failed;
  }
  if (isCurfewError(error)) {
    say(error.message, error.facts.remedy ?? remedyOf(error), error.code);
    return exitCodes.failed;
  }
  // Ctrl-C at a prompt.
  if ((error as Error).name === 'ExitPromptError') return exitCodes.cancelled;
  throw error;
}

function say(message: string, remedy: string | undefined, code: string | undefined): void {
  if (program.opts()['json'] === true) {
    writeTo(process.stderr, jsonText({ error: { code, message, remedy } }));
    return;
  }
  const width = columnsOf(process.stderr);
  const lines = [wrap(message, width, `${paint('red', 'error')} `)];
  if (remedy) lines.push(paint('dim', wrap(remedy, width, '      → ')));
  writeTo(process.stderr, lines.join('\n'));
}
