import type { Command } from 'commander';
import { answer, type Context, contextOf, exitCodes, Stop, withFactor } from './context.ts';
import { receiptText } from './format.ts';
import { absent } from './sessions-end.ts';
import { counted } from './terminal.ts';
import { exactOption, findUser, nothingText, type User, userText } from './user.ts';

type Options = { session?: string; exact?: boolean };

export function groupsAdd(groups: Command): void {
  change(groups, 'add', 'add access groups to the sessions of a user that have not ended');
}

export function groupsRemove(groups: Command): void {
  change(groups, 'remove', 'remove access groups from the sessions of a user that have not ended');
}

function change(groups: Command, act: 'add' | 'remove', description: string): void {
  groups
    .command(act)
    .description(description)
    .argument('<user>', 'the user: an account’s user name or address, or an id')
    .argument('<groups...>', 'the access groups')
    .option('--session <id>', 'change only this session')
    .option(...exactOption)
    .action(async (text: string, keys: string[], { session, exact }: Options, command: Command) => {
      const context = contextOf(command);
      const user = await findUser(context, text, exact);
      const input = { userId: user.id, [act]: keys, sessionId: session, wait: context.options.wait };
      const changed = await withFactor(context, (options) =>
        context.client.changeAccessGroupsOfUser(input, options),
      ).catch(absent);
      // It is no mistake if the sessions need no change, but it is one if the user has no sessions.
      if (changed.updated === 0 && session === undefined && !(await hasLiveSessions(context, user))) {
        throw new Stop(exitCodes.nothing, nothingText(user, 'live session'));
      }
      answer(
        context,
        { ...changed, user },
        ({ updated, receipt }) =>
          `${updated === 0 ? unchangedText(user, session) : `${counted(updated, 'session')} of ${userText(user)} changed.`}\n${receiptText(receipt)}`,
      );
    });
}

function unchangedText(user: User, session: string | undefined): string {
  const whose = session === undefined ? `the sessions of ${userText(user)}` : `the session ${session}`;
  return `No change: the access groups of ${whose} are already as requested.`;
}

async function hasLiveSessions({ client }: Context, { id }: User): Promise<boolean> {
  for (const status of ['active', 'suspended'] as const) {
    if ((await client.listSessions({ user: id, status, limit: 1 })).sessions.length > 0) return true;
  }
  return false;
}
