import type { Command } from 'commander';
import type { Operations } from 'curfew-client';
import { answer, type Context, confirmed, contextOf, exitCodes, presentSession, Stop, withFactor } from './context.ts';
import { receiptText } from './format.ts';
import { counted } from './terminal.ts';
import { exactOption, findUser, nothingText, type User, userNames, userText, withName } from './user.ts';

export function sessionsEndAll(sessions: Command): void {
  sessions
    .command('end-all')
    .description('end all sessions of a user, or of everybody')
    .option('-u, --user <user>', 'end those of this user: an account’s user name or address, or an id')
    .option(...exactOption)
    .option('--except <id>', 'keep this session of the user; `current` is the one that this command uses')
    .option('--everyone', 'end those of everybody')
    .action(
      async (asked: { user?: string; exact?: boolean; except?: string; everyone?: boolean }, command: Command) => {
        const context = contextOf(command);
        const { client, options } = context;
        if ((asked.user === undefined) !== (asked.everyone === true)) {
          throw new Stop(exitCodes.usage, 'Say whose sessions to end: --user <user>, or --everyone.');
        }
        if (asked.except !== undefined && asked.everyone) {
          throw new Stop(exitCodes.usage, '--except can only be used with --user.');
        }
        if (asked.user === undefined) {
          const { active, suspended } = await liveSessions(context, undefined);
          const count = counted(active + suspended, 'session');
          await confirmed(context, `This ends ${count}: everybody is signed out. Continue?`);
          const input = { confirm: 'everyone', wait: options.wait };
          const done = await withFactor(context, (call) => client.endEveryone(input, call));
          if (done.ended + suspended === 0) throw new Stop(exitCodes.nothing, 'Nobody has a session to end.');
          answer(context, done, text);
          return;
        }
        const except = asked.except === 'current' ? presentSession(context) : asked.except;
        const user = await findUser(context, asked.user, asked.exact);
        const kept = except === undefined ? undefined : await keptOf(context, user, except);
        const { active, suspended } = await liveSessions(context, user.id, kept);
        await confirmed(context, `This ends ${counted(active + suspended, 'session')} of ${userText(user)}. Continue?`);
        const input = { userId: user.id, except, wait: options.wait };
        const done = await withFactor(context, (call) => client.endSessionsOfUser(input, call));
        if (done.ended + suspended === 0) {
          throw new Stop(
            exitCodes.nothing,
            nothingText(user, except === undefined ? 'session to end' : 'other session'),
          );
        }
        answer(context, { ...done, user }, ({ ended, receipt }) => {
          // The server's number is that of the active ones.
          const what = ended === 0 ? 'The suspended sessions' : counted(ended, 'session');
          const have = ended === 1 ? 'has' : 'have';
          return `${what} of ${userText(user)} ${have} ended.\n${receiptText(receipt)}`;
        });
      },
    );
}

type Kept = Operations['getSession']['output']['session'];

/**
 * How many sessions there are to end: active ones, of which the server keeps a count, and suspended ones, which are few
 * and are counted now.
 */
async function liveSessions(
  { client }: Context,
  user: string | undefined,
  kept?: Kept,
): Promise<{ active: number; suspended: number }> {
  const except = kept && [kept.id];
  const [{ total = 0 }, { sessions: suspended }] = await Promise.all([
    client.listSessions({ user, status: 'active', limit: 1 }),
    client.previewSessions({ user, status: 'suspended', except }),
  ]);
  return { active: kept?.status === 'active' ? Math.max(0, total - 1) : total, suspended };
}

/** The session to keep. One that is not of the user is refused before anybody is asked whether to go on. */
async function keptOf(context: Context, user: User, id: string): Promise<Kept> {
  const { session } = await context.client.getSession({ id });
  if (session.userId !== user.id) {
    const whose = withName(await userNames(context, [session.userId]), session.userId);
    throw new Stop(
      exitCodes.failed,
      `The session ${id} cannot be kept: it is one of ${whose}, not of ${userText(user)}.`,
    );
  }
  if (session.status === 'ended') throw new Stop(exitCodes.failed, `The session ${id} cannot be kept: it has ended.`);
  return session;
}

function text({ message, receipt }: { message: string; receipt: Parameters<typeof receiptText>[0] }): string {
  return `${message}\n${receiptText(receipt)}`;
}
