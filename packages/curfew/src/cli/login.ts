import type { Command } from 'commander';
import { CurfewApiError, createClient } from 'curfew-client';
import { answer, ask, askCode, askSecret, type Context, contextOf, exitCodes, keptAt, Stop } from './context.ts';
import { type Credentials, readCredentials, removeCredentials, writeCredentials } from './credentials.ts';
import { readInput } from './secret-argument.ts';
import { paint } from './terminal.ts';

export function login(program: Command): void {
  program
    .command('login')
    .description('sign in to a server; later commands use this session')
    .option('--username <name>', 'your user name')
    .option('--password-stdin', 'read the password from standard input')
    .action(async (asked: { username?: string; passwordStdin?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { terminal, url, options } = context;
      if (!terminal.interactive && (asked.username === undefined || !asked.passwordStdin)) {
        throw new Stop(exitCodes.usage, 'There is no terminal to ask at: use --username and --password-stdin.');
      }
      const username = asked.username ?? (await ask(url, 'User name'));
      const secret = asked.passwordStdin ? await readInput() : await askSecret(url, 'Password');
      const here = keptAt(url);
      const elsewhere = here ? undefined : readCredentials();
      // The kept token is about to be overwritten. The server ends the session of the one that comes with a sign-in.
      const client = createClient({ url, token: here?.token, timeout: options.timeout });
      const signIn = (totp?: string) => client.login({ username, password: secret, totp });
      const signedIn = await signIn(options.code).catch(async (error: unknown) => {
        const asks = error instanceof CurfewApiError && error.code === 'second_factor_required';
        if (!asks || !terminal.interactive) throw error;
        return signIn(await askCode(context));
      });
      writeCredentials({ url, username: signedIn.account.username, token: signedIn.token! });
      if (elsewhere) await leave(context, elsewhere);
      const { token: _token, refreshToken: _refresh, ...shown } = signedIn;
      answer(context, shown, ({ account, session }) =>
        paint(
          'green',
          `Signed in to ${url} as ${account.username}, until ${session.expiresAt.slice(0, 10)} at the latest.`,
        ),
      );
    });
}

export function logout(program: Command): void {
  program
    .command('logout')
    .description('end the session that `curfew login` opened')
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command);
      const kept = readCredentials();
      if (!kept) throw new Stop(exitCodes.failed, 'You are not signed in.');
      const ended = await endKept(context, kept);
      removeCredentials();
      answer(context, ended ?? { success: true }, () => `Signed out of ${kept.url}.`);
    });
}

/** Ends the session that was kept for another server, which knows nothing of a sign-in here. */
async function leave(context: Context, kept: Credentials): Promise<void> {
  try {
    await endKept(context, kept);
  } catch (error) {
    if (!(error instanceof CurfewApiError)) throw error;
    context.terminal.err(`Your session at ${kept.url} stays, because it could not be ended: ${error.message}`);
  }
}

/** What a server says of a session that never is valid again. */
const isOver: readonly string[] = ['session_ended', 'token_unknown'];

/** Ends the session that was kept; `undefined` if it has ended already, which is what was wanted. */
async function endKept({ options: { wait, timeout } }: Context, { url, token }: Credentials) {
  try {
    return await createClient({ url, token, timeout }).logout({ wait });
  } catch (error) {
    if (error instanceof CurfewApiError && isOver.includes(error.code)) return undefined;
    throw error;
  }
}
