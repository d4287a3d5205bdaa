import type { Command } from 'commander';
import { readSettings } from '../start/config.ts';
import { keyFile } from '../start/secret-key.ts';
import { backUpStore, showStore } from '../stores/open.ts';
import { answer, contextOf } from './context.ts';
import { filePath } from './option-values.ts';

export function backup(program: Command): void {
  program
    .command('backup')
    .description('copy an embedded store as it is at one moment, even while a server has it open')
    .argument('<folder>', 'the folder to create', filePath)
    .option('--store <url>', 'the store [CURFEW_STORE]')
    .action(async (target: string, options: { store?: string }, command: Command) => {
      const context = contextOf(command);
      const { settings } = readSettings(process.env, options.store === undefined ? {} : { store: options.store });
      const made = await backUpStore(settings.store, target, [keyFile]);
      answer(context, made, ({ folder, bytes }) =>
        [
          `${showStore(settings.store)} is copied to ${folder} (${bytes.toLocaleString('en')} bytes), and every page is sound.`,
          'It includes the secret key, if the folder has it. Start a server on a copy of the backup, not on the backup itself.',
        ].join('\n'),
      );
    });
}
