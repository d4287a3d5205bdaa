import type { Command } from 'commander';
import { readSettings } from '../start/config.ts';
import { openStore, planStore, showStore } from '../stores/open.ts';
import { answerInLines, contextOf } from './context.ts';

export function migrate(program: Command): void {
  program
    .command('migrate')
    .description("bring a store's schema up to this version, as `serve` does when it starts")
    .option('--store <url>', 'the store [CURFEW_STORE]')
    .option('--dry-run', 'show what would be done, without doing it')
    .action(async (options: { store?: string; dryRun?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { settings } = readSettings(process.env, options.store === undefined ? {} : { store: options.store });
      const plan = await planStore(settings.store);
      if (!options.dryRun) await (await openStore(settings.store)).close();
      const done = { store: showStore(settings.store), dryRun: options.dryRun === true, ...plan };
      answerInLines(context, done, ({ store, version, pending, dryRun }) => {
        if (pending.length === 0) return `${store} is up to date (version ${version}).`;
        const steps = pending.map(({ number, name, sql }) =>
          dryRun ? `-- ${number} ${name}${sql === undefined ? '' : `\n${sql}`}` : `${number} ${name}`,
        );
        const head = dryRun ? `-- ${store} has version ${version}; this would be done:` : `${store}, done:`;
        return [head, ...steps].join('\n');
      });
    });
}
