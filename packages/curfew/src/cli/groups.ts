import type { Command } from 'commander';
import { answer, contextOf, withFactor } from './context.ts';
import { receiptText } from './format.ts';
import { counted } from './terminal.ts';

export function groupsAdd(groups: Command): void {
  change(groups, 'add', 'add access groups to the live sessions of a user');
}

export function groupsRemove(groups: Command): void {
  change(groups, 'remove', 'remove access groups from the live sessions of a user');
}

function change(groups: Command, act: 'add' | 'remove', description: string): void {
  groups
    .command(act)
    .description(description)
    .argument('<user>', 'the id of the user')
    .argument('<groups...>', 'the access groups')
    .option('--session <id>', 'on this session alone')
    .action(async (userId: string, keys: string[], { session }: { session?: string }, command: Command) => {
      const context = contextOf(command);
      const input = { userId, [act]: keys, sessionId: session, wait: context.options.wait };
      const changed = await withFactor(context, (options) => context.client.changeAccessGroupsOfUser(input, options));
      answer(
        context,
        changed,
        ({ updated, receipt }) => `${counted(updated, 'session')} changed.\n${receiptText(receipt)}`,
      );
    });
}
