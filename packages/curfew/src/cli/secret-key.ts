import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type ReplacedKey, replaceKey } from '../authority/replace-key.ts';
import { CurfewError } from '../errors.ts';
import { readSettings } from '../start/config.ts';
import { existingSecretKey, keyFile, keyFingerprint, readKey, refuseOther, writeKey } from '../start/secret-key.ts';
import type { Store } from '../stores/contract.ts';
import { folderOf, openExistingStore, showStore } from '../stores/open.ts';
import { quietRows, type Rows, refuseRunning } from '../stores/running.ts';
import { answer, contextOf, exitCodes, Stop } from './context.ts';
import { filePath } from './option-values.ts';

type Options = { store?: string; former?: string; lost?: boolean };

export function secretKeyReplace(secretKey: Command): void {
  secretKey
    .command('replace')
    .description('replace the secret key that a store is used with; works on the store itself, while no server runs')
    .option('--store <url>', 'the store, which no server may have open [CURFEW_STORE]')
    .option('--former <file>', 'the file with the former key, so that authenticators keep working', filePath)
    .option('--lost', 'the former key is lost: authenticators and backup codes stop working')
    .action(async (options: Options, command: Command) => {
      const context = contextOf(command);
      if ((options.former === undefined) === !options.lost) {
        throw new Stop(exitCodes.usage, 'Give --former with the file of the former key, or --lost.');
      }
      const { settings } = readSettings(process.env, options.store === undefined ? {} : { store: options.store });
      const former = options.former === undefined ? undefined : readKey(options.former);
      const folder = folderOf(settings.store);
      const store = await openExistingStore(settings.store);
      try {
        // If a server has an embedded store open, opening it here has failed already.
        const rows = folder === undefined ? await quietRows(() => nodesOf(store), why) : undefined;
        const kept = await store.keyFingerprint();
        if (former && kept !== undefined && keyFingerprint(former) !== kept) {
          throw new CurfewError('secret_key_differs', {
            detail: `The store was not used with the key in ${options.former}.`,
          });
        }
        const path = folder === undefined ? undefined : join(folder, keyFile);
        // If no key is set, the folder of an embedded store has one, or gets one.
        if (path !== undefined && !settings.secretKey && !settings.secretKeyFile && !existsSync(path)) {
          writeKey(path, randomBytes);
        }
        const key = existingSecretKey(settings, folder);
        if (!key) {
          throw new CurfewError('config_invalid', { detail: 'CURFEW_SECRET_KEY: set it to the new key.' });
        }
        if (former && keyFingerprint(key) === keyFingerprint(former)) {
          const where = path === undefined || settings.secretKey || settings.secretKeyFile ? 'the settings' : path;
          throw new CurfewError('config_invalid', {
            detail: `CURFEW_SECRET_KEY: the key in ${where} is the former one, so nothing would be replaced. Set the new key, or move ${keyFile} out of the folder of an embedded store, which then gets a new one.`,
          });
        }
        const replaced = await replaceKey({ store, random: randomBytes }, { key, former });
        // A server that has started meanwhile has the former key.
        if (rows) refuseRunning(rows, await nodesOf(store), why);
        const fingerprint = keyFingerprint(key);
        refuseOther(await store.keepKeyFingerprint(fingerprint, kept), fingerprint);
        answer(context, replaced, (done) => told(done, showStore(settings.store)));
      } finally {
        await store.close();
      }
    });
}

const why = 'Servers keep using the key that they have';

async function nodesOf(store: Store): Promise<Rows> {
  const { nodes } = await store.listNodes();
  return new Map(nodes.map(({ id, counter }) => [id, String(counter)]));
}

function told({ carried, lost }: ReplacedKey, store: string): string {
  const lines = [`${store} knows the new secret key. Refresh tokens keep working; backup codes have to be renewed.`];
  if (carried.length > 0) lines.push(`The authenticators of these accounts keep working: ${carried.join(', ')}.`);
  if (lost.length > 0) {
    lines.push(
      `The authenticators of these accounts no longer work: ${lost.join(', ')}. An administrator can remove them, or use \`curfew accounts recover\`.`,
    );
  }
  return lines.join('\n');
}
