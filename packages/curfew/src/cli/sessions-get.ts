import type { Command } from 'commander';
import { answer, contextOf } from './context.ts';
import { sessionText } from './format.ts';

export function sessionsGet(sessions: Command): void {
  sessions
    .command('get')
    .description('show a session')
    .argument('<id>', 'the id of the session')
    .action(async (id: string, _options: object, command: Command) => {
      const context = contextOf(command);
      answer(context, await context.client.getSession({ id }), ({ session }) => sessionText(session));
    });
}
