import type { Command } from 'commander';
import { answer, confirmed, contextOf, exitCodes, Stop, withFactor } from './context.ts';
import { receiptText } from './format.ts';
import { counted } from './terminal.ts';

export function sessionsEndAll(sessions: Command): void {
  sessions
    .command('end-all')
    .description('end all sessions of a user, or of everybody')
    .option('-u, --user <id>', 'of this user')
    .option('--except <id>', 'all of the user’s but this session')
    .option('--everyone', 'of everybody')
    .action(async (asked: { user?: string; except?: string; everyone?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { client, options } = context;
      if ((asked.user === undefined) !== (asked.everyone === true)) {
        throw new Stop(exitCodes.usage, 'Say whose: --user <id>, or --everyone.');
      }
      if (asked.except !== undefined && asked.everyone) {
        throw new Stop(exitCodes.usage, '--except goes with --user: everyone is everyone.');
      }
      const { user: userId, except } = asked;
      if (userId === undefined) {
        const { total = 0 } = await client.listSessions({ status: 'active', limit: 1 });
        await confirmed(context, `This ends ${counted(total, 'session')}: everybody is signed out. Continue?`);
        const input = { confirm: 'everyone', wait: options.wait };
        answer(context, await withFactor(context, (call) => client.endEveryone(input, call)), text);
        return;
      }
      const { total = 0 } = await client.listSessions({ user: userId, status: 'active', limit: 1 });
      const count = counted(except === undefined ? total : Math.max(0, total - 1), 'session');
      await confirmed(context, `This ends ${count} of ${userId}. Continue?`);
      const input = { userId, except, wait: options.wait };
      answer(context, await withFactor(context, (call) => client.endSessionsOfUser(input, call)), text);
    });
}

function text({ message, receipt }: { message: string; receipt: Parameters<typeof receiptText>[0] }): string {
  return `${message}\n${receiptText(receipt)}`;
}
