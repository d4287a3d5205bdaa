import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { readSettings } from '../start/config.ts';
import { openExistingStore, showStore } from '../stores/open.ts';
import { answer, contextOf } from './context.ts';
import { paint } from './terminal.ts';

type Options = { store?: string; keepFactor?: boolean; admin?: boolean };

export function accountsRecover(accounts: Command): void {
  accounts
    .command('recover')
    .description('restore the access of an administrator who is locked out; works on the store itself')
    .argument('<username>', 'its user name, its e-mail address or its id')
    .option('--store <url>', 'the store; if it is embedded, no server may have it open [CURFEW_STORE]')
    .option('--keep-factor', 'keep its second factor')
    .option('--admin', 'make it an administrator, if it is not one')
    .action(async (account: string, options: Options, command: Command) => {
      const [{ createPasswords }, { recoverAccount }] = await Promise.all([
        import('../authority/passwords.ts'),
        import('../authority/recover-account.ts'),
      ]);
      const context = contextOf(command);
      const { settings } = readSettings(process.env, options.store === undefined ? {} : { store: options.store });
      const password = randomBytes(15).toString('base64url');
      const store = await openExistingStore(settings.store);
      try {
        const { keepFactor, admin } = options;
        const parts = { store, passwords: createPasswords() };
        const recovered = await recoverAccount(parts, { account, password, keepFactor, admin });
        answer(context, { account: recovered, password }, ({ account: { username, id, totp } }) =>
          [
            `Account ${username} (${id}) of ${showStore(settings.store)} is enabled, and its sessions have ended.`,
            `Its new password, which is shown only once: ${paint('bold', password)}`,
            totp ? 'Its second factor is kept.' : 'It has no second factor: enrol one with `curfew accounts totp`.',
          ].join('\n'),
        );
      } finally {
        await store.close();
      }
    });
}
