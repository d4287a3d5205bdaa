import type { Command } from 'commander';
import { answerInLines, contextOf } from './context.ts';
import { sessionText } from './format.ts';
import { userNames } from './user.ts';

export function sessionsGet(sessions: Command): void {
  sessions
    .command('get')
    .description('show a session')
    .argument('<id>', 'the id of the session')
    .action(async (id: string, _options: object, command: Command) => {
      const context = contextOf(command);
      const found = await context.client.getSession({ id });
      const { userId, endedBy } = found.session;
      const names = context.terminal.json
        ? new Map()
        : await userNames(context, [userId, endedBy?.replace('user:', '')]);
      answerInLines(context, found, ({ session }) => sessionText(session, names));
    });
}
