import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { type Account, CurfewApiError, type Operations } from 'curfew-client';
import { renderUnicodeCompact } from 'uqr';
import { permissions, roleNames } from '../domain/permissions.ts';
import {
  answer,
  answerInLines,
  ask,
  askSecret,
  type Context,
  confirmed,
  contextOf,
  exitCodes,
  Stop,
  withFactor,
} from './context.ts';
import { receiptText } from './format.ts';
import { choice, pageSize } from './option-values.ts';
import { type Column, paint, relative, renderTable, writeTo } from './terminal.ts';
import { findAccount } from './user.ts';

export function accountsAdd(accounts: Command): void {
  accounts
    .command('add')
    .description('create an account')
    .argument('<username>', 'a-z 0-9 . _ -')
    .option('--email <address>', 'its e-mail address')
    .option('--name <text>', 'the name to display')
    .addOption(choice('--role <role...>', 'what it may do', roleNames))
    .addOption(choice('--permission <permission...>', 'a permission in addition to those of the roles', permissions))
    .option('--random-password', 'generate a password and show it once')
    .action(
      async (
        username: string,
        asked: { email?: string; name?: string; role?: string[]; permission?: string[]; randomPassword?: boolean },
        command: Command,
      ) => {
        const context = contextOf(command);
        const { email, name, role, permission } = asked;
        const made = asked.randomPassword ? randomBytes(15).toString('base64url') : undefined;
        const secret = made ?? (await askNewPassword(context));
        const body = { username, email, name, password: secret, roles: role, permissions: permission };
        const { account } = await withFactor(context, (options) =>
          context.client.createAccount(body as Operations['createAccount']['input'], options),
        );
        answer(context, { account, ...(made && { password: made }) }, () =>
          [
            `Account ${account.username} (${account.id}) has been created.`,
            made && `Its password, which is shown only once: ${paint('bold', made)}`,
          ]
            .filter(Boolean)
            .join('\n'),
        );
      },
    );
}

export function accountsList(accounts: Command): void {
  accounts
    .command('list')
    .description('list accounts by user name')
    .option('-f, --filter <text>', 'only accounts with this text in the user name, address or name')
    .addOption(pageSize('accounts'))
    .option('--cursor <cursor>', 'show the page after this cursor')
    .action(
      async ({ filter, limit, cursor }: { filter?: string; limit: number; cursor?: string }, command: Command) => {
        const context = contextOf(command);
        const page = await context.client.listAccounts({ filter, limit, cursor });
        answerInLines(context, page, ({ accounts: rows, nextCursor }) => {
          if (rows.length === 0) return filter === undefined ? 'No accounts yet.' : 'No accounts match.';
          const more = nextCursor ? `\n\n${paint('dim', `More: --cursor ${nextCursor}`)}` : '';
          return renderTable(rows, columns, context.terminal.width) + more;
        });
      },
    );
}

const columns: readonly Column<Account>[] = [
  { head: 'ID', of: ({ id }) => id, least: 22 },
  { head: 'USER NAME', of: ({ username }) => username, least: 10 },
  { head: 'ROLES', of: ({ roles, permissions }) => [...roles, ...permissions].join(' ') || '–' },
  {
    head: 'STATE',
    of: ({ disabled, totp }) => (disabled ? 'disabled' : totp ? 'second factor' : 'password only'),
    style: ({ disabled, totp }) => (disabled ? 'dim' : totp ? 'green' : 'yellow'),
    least: 8,
  },
  { head: 'LAST SIGN-IN', of: ({ lastLoginAt }) => (lastLoginAt ? relative(lastLoginAt) : 'never'), least: 12 },
  { head: 'ADDRESS', of: ({ email }) => email ?? '–' },
];

export function accountsDisable(accounts: Command): void {
  setDisabled(accounts, 'disable', true, 'disable an account and end all its sessions');
}

export function accountsEnable(accounts: Command): void {
  setDisabled(accounts, 'enable', false, 'enable an account again');
}

function setDisabled(accounts: Command, act: string, disabled: boolean, description: string): void {
  accounts
    .command(act)
    .description(description)
    .argument('<username>', 'its user name, its address or its id')
    .action(async (text: string, _options: object, command: Command) => {
      const context = contextOf(command);
      const account = await accountOf(context, text);
      if (disabled) {
        const { total = 0 } = await context.client.listUserSessions({ userId: account.id, limit: 1 });
        await confirmed(context, `This disables ${account.username} and ends ${total} of its sessions. Continue?`);
      }
      const input_ = { id: account.id, disabled, wait: context.options.wait };
      const changed = await withFactor(context, (options) => context.client.updateAccount(input_, options));
      answer(context, changed, ({ receipt }) =>
        [
          `Account ${account.username} ${account.disabled === disabled ? 'was already' : 'has been'} ${act}d.`,
          receipt && receiptText(receipt),
        ]
          .filter(Boolean)
          .join('\n'),
      );
    });
}

export function accountsTotp(accounts: Command): void {
  accounts
    .command('totp')
    .description('enrol an authenticator as the second factor of an account')
    .argument('[username]', 'its user name, its address or its id; by default, your own account')
    .option('--remove', 'remove the authenticator instead')
    .action(async (text: string | undefined, { remove }: { remove?: boolean }, command: Command) => {
      const context = contextOf(command);
      const account = text === undefined ? await ownAccount(context) : await accountOf(context, text);
      const { client } = context;
      if (remove) {
        await confirmed(context, `This removes the second factor of ${account.username}. Continue?`);
        const done = await withFactor(context, (options) => client.removeTotp({ id: account.id }, options)).catch(
          (error: unknown) => {
            if (!(error instanceof CurfewApiError) || error.code !== 'factor_not_enrolled') throw error;
            throw new Stop(exitCodes.nothing, `Account ${account.username} has no second factor to remove.`);
          },
        );
        answer(context, done, () => `The second factor of ${account.username} has been removed.`);
        return;
      }
      const enrolment = await startEnrolment(context, account.id);
      if (!context.terminal.interactive && context.options.code === undefined) {
        // A program can confirm it by itself: POST /v1/accounts/{id}/totp/confirm.
        answerInLines(context, { id: account.id, ...enrolment }, () => `${enrolment.url}\n${enrolment.secret}`);
        return;
      }
      const { err } = context.terminal;
      err('Scan this with your authenticator app:\n');
      writeTo(process.stderr, `${renderUnicodeCompact(enrolment.url, { border: 2 })}\n`);
      err(`Or type in the secret: ${paint('bold', enrolment.secret)}\n`);
      const confirmedTotp = await confirmEnrolment(context, account.id);
      answer(context, confirmedTotp, ({ backupCodes }) =>
        [
          paint('green', `The second factor of ${account.username} is enrolled.`),
          'Backup codes, each of which works once. Keep them somewhere safe; they are not shown again:',
          '',
          ...[0, 4, 8].map((i) => `  ${backupCodes.slice(i, i + 4).join('   ')}`),
        ].join('\n'),
      );
    });
}

/** Asks for the password if the server requires it: for the caller's own account. */
async function startEnrolment(context: Context, id: string) {
  const start = (input_: Operations['startTotp']['input']) =>
    withFactor(context, (options) => context.client.startTotp(input_, options));
  try {
    return await start({ id });
  } catch (error) {
    const asks = error instanceof CurfewApiError && error.code === 'missing_field' && context.terminal.interactive;
    if (!asks) throw error;
    return start({ id, currentPassword: await askSecret(context.url, 'Your password') });
  }
}

/** Asks again if a code was mistyped; the secret that was scanned stays the same. */
async function confirmEnrolment({ client, terminal, url }: Context, id: string) {
  for (;;) {
    const code = await ask(url, 'The code that it shows');
    try {
      return await client.confirmTotp({ id, code });
    } catch (error) {
      const mistyped = error instanceof CurfewApiError && error.code === 'second_factor_invalid';
      if (!mistyped || !terminal.interactive) throw error;
      terminal.err('This code is wrong. Type in the one that the authenticator shows now; the secret is the same.');
    }
  }
}

async function ownAccount({ client }: Context): Promise<Account> {
  const { account } = await client.me();
  if (account) return account;
  throw new Stop(exitCodes.usage, 'Name an account: these credentials do not belong to one.');
}

async function accountOf(context: Context, text: string): Promise<Account> {
  const found = await findAccount(context, text);
  if (found) return found;
  throw new Stop(exitCodes.failed, `There is no account ${JSON.stringify(text)}; \`curfew accounts list\` shows them.`);
}

async function askNewPassword({ terminal, url }: Context): Promise<string> {
  if (!terminal.interactive) throw new Stop(exitCodes.usage, 'There is no terminal to ask at: use --random-password.');
  const first = await askSecret(url, 'Password of the account');
  const again = await askSecret(url, 'The password again');
  if (first === again) return first;
  throw new Stop(exitCodes.usage, 'The two passwords are not the same.');
}
