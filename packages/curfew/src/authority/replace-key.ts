import type { Factor } from '../domain/account.ts';
import type { Random } from '../domain/ports.ts';
import { isCurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';
import { retryConflicts } from './retry.ts';
import { createSecrets, type Secrets } from './secrets.ts';

/** Keys of 32 bytes. `former`: the key that the store was used with, unless it is lost. */
export type KeyReplacement = { key: Uint8Array; former: Uint8Array | undefined };

/** User names of the accounts with an authenticator: those whose authenticator still works, and those whose is void. */
export type ReplacedKey = { carried: string[]; lost: string[] };

/** How many accounts are read at once. */
const page = 100;

/**
 * Seals every authenticator again with another secret key. Backup codes are stored as hashes under the former key, so
 * they cannot be carried over: they are removed, and new ones have to be made. It works on the store itself and checks
 * no permission. If it is interrupted, run it again: it keeps what it has done already.
 */
export async function replaceKey(
  { store, random }: { store: Store; random: Random },
  { key, former }: KeyReplacement,
): Promise<ReplacedKey> {
  const [to, from] = [createSecrets(key, random), former && createSecrets(former, random)];
  const at = Math.max(await store.latestTime(), (await store.logHead()).now);
  const done: ReplacedKey = { carried: [], lost: [] };
  for (let after: string | undefined; ; ) {
    const { accounts, next } = await store.listAccounts({ after, limit: page });
    for (const { id, username } of accounts) {
      const outcome = await retryConflicts<'none' | keyof ReplacedKey>(async () => {
        const { account } = await store.readUser(id);
        if (!account?.factor) return 'none';
        if (opens(to, account.factor, id)) return 'carried';
        if (!from || !opens(from, account.factor, id)) return 'lost';
        const sealedSecret = to.seal(from.unseal(account.factor.sealedSecret, id), id);
        const changed = await store.changeAccount({
          id,
          version: account.version,
          set: { factor: { ...account.factor, sealedSecret, backupCodes: [] }, updatedAt: at },
          event: { type: 'account.changed', at, by: 'library', userId: id, details: { secretKeyReplaced: true } },
        });
        return changed.kind === 'changed' ? 'carried' : 'conflict';
      });
      if (outcome !== 'none') done[outcome].push(username);
    }
    if (next === undefined) return done;
    after = next;
  }
}

function opens({ unseal }: Secrets, { sealedSecret }: Factor, context: string): boolean {
  try {
    unseal(sealedSecret, context);
    return true;
  } catch (error) {
    if (isCurfewError(error, 'internal')) return false;
    throw error;
  }
}
