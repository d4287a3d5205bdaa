import { normalAddress } from '../domain/address.ts';
import type { Alias } from '../domain/alias.ts';
import type { UserId } from '../domain/brand.ts';
import { shardTag, shardTags } from '../domain/ids.ts';
import { day, freshSignIn, limits } from '../domain/limits.ts';
import { openSession } from '../domain/open-session.ts';
import { parseMetadata, parsePersonId, parseSessionData, parseUserAgent } from '../domain/parse.ts';
import type { Policy } from '../domain/policy.ts';
import type { Random } from '../domain/ports.ts';
import type { Metadata } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import type { Store } from '../stores/contract.ts';
import { type AgainOutcome, importAgain } from './import-again.ts';

/** The store as it is when an import begins. Later changes are noticed by the epochs, which move with them. */
export type ImportStore = {
  store: Store;
  /**
   * Everyone's epoch, by shard tag: if everybody is signed out meanwhile, nobody comes in any more. Users in different places
   * may have different numbers, after a failover of one of them.
   */
  everyone: ReadonlyMap<string, number>;
  disabled: ReadonlySet<UserId>;
};

/** Asks once what would otherwise be asked for each of a million sessions. */
export async function importStore(store: Store): Promise<ImportStore> {
  const everyone = await epochsOfEveryone(store);
  const disabled = new Set<UserId>();
  for (let after: string | undefined; ; ) {
    const { accounts, next } = await store.listAccounts({ after, limit: limits.pageMax });
    for (const account of accounts) if (account.disabled) disabled.add(account.id);
    if (next === undefined) return { store, everyone, disabled };
    after = next;
  }
}

async function epochsOfEveryone(store: Store): Promise<Map<string, number>> {
  // Some user of each tag, whether there is one of that name or not.
  const users = new Map<string, UserId>();
  for (let i = 0; users.size < shardTags; i++) users.set(shardTag(`-${i}`), `-${i}` as UserId);
  const read = async ([tag, userId]: [string, UserId]) =>
    [tag, (await store.readUser(userId)).epochs.everyone] as const;
  return new Map(await Promise.all([...users].map(read)));
}

export type ImportParts = {
  /** `undefined`: there is none yet, for a dry run. */
  into: ImportStore | undefined;
  random: Random;
  policy: Pick<Policy, 'absolute' | 'idle'>;
  /** Whether the policy also limits sessions that may go on longer in their own store: an assurance level requires that. */
  strict?: boolean | undefined;
  /** Milliseconds that a session may be used from now on, if that is longer than in its own store. */
  lifetime: number;
};

/** A session of another application. Times are epoch milliseconds; those that are absent are not known. */
export type Importable = {
  /** What its cookie proves. */
  alias: Alias;
  userId: string;
  expiresAt: number | undefined;
  createdAt?: number | undefined;
  lastSeenAt?: number | undefined;
  ip?: string | undefined;
  userAgent?: string | undefined;
  /** Milliseconds after its last use that it ends, if that is known. */
  idle?: number | undefined;
  /** Somebody else opened it for the user. */
  openedByAnother?: boolean | undefined;
  metadata: Metadata;
  /** What its application alone reads. */
  content?: string | undefined;
};

/** No session outlives this, whatever its own store says. */
const longest = 3650 * day;

export type ImportOutcome = 'imported' | 'expired' | AgainOutcome;

/**
 * The last use of a session whose own store does not tell it. What is left of it is no idle limit: somebody who comes
 * back in its last hour would have to come back every hour from then on. So the limit is that of the policy if less is
 * left, and the last use is as long before the end. If use moves no end, it is now.
 */
function assumedUse(
  expiresAt: number | undefined,
  { idle, absolute }: Pick<Policy, 'absolute' | 'idle'>,
  lifetime: number,
  now: number,
): number {
  return expiresAt === undefined || now + lifetime <= expiresAt ? now : expiresAt - Math.min(idle, absolute);
}

/**
 * Gives a session of another application a place here, with the alias that its cookie proves. Nobody gets its tokens.
 * It checks no permission: anyone who can open the store could write it anyway. `dryRun`: only finds out what would be.
 * - Unused, it ends when it would have ended there. With use it may go on, for as long as `lifetime` says. With `strict`,
 *   the policy limits both.
 * - When it was created is often unknown; then it is the earliest time that is known or assumed.
 * - It does not count as a fresh sign-in unless it is known to be one, and never acts for an account of Curfew's.
 * - A user whose sessions were all ended here keeps none there: those could be the ones that were meant.
 * @throws `user_id_too_long`, `invalid_value`, `metadata_too_large`, `session_data_too_large`, `account_disabled`,
 *   `signed_out_meanwhile`, `alias_taken`
 */
export async function importSession(
  { into, random, policy, lifetime, strict }: ImportParts,
  found: Importable,
  now: number,
  dryRun: boolean,
): Promise<ImportOutcome> {
  const { alias } = found;
  const lastUse = found.lastSeenAt ?? found.createdAt ?? assumedUse(found.expiresAt, policy, lifetime, now);
  const lastSeenAt = Math.max(0, Math.min(lastUse, now));
  const createdAt = Math.max(0, Math.min(found.createdAt ?? lastSeenAt, lastSeenAt));
  const latest = strict ? createdAt + policy.absolute : now + longest;
  const end = Math.min(found.expiresAt ?? now + policy.absolute, latest);
  const idle = Math.min(found.idle ?? end - lastSeenAt, strict ? policy.idle : longest);
  if (end <= now || (strict && lastSeenAt + idle <= now)) return 'expired';
  const userId = parsePersonId(found.userId);
  const metadata = parseMetadata(found.metadata);
  const data = found.content === undefined ? undefined : parseSessionData(found.content);
  if (!into) return 'imported';
  const { store, everyone, disabled } = into;
  const again = { alias, userId, lastSeenAt, idle, hasEnd: found.expiresAt !== undefined };
  if (disabled.has(userId)) throw new CurfewError('account_disabled', { detail: `Account ${userId}.` });
  if (dryRun) {
    const [holder, { epochs }] = await Promise.all([store.readSessionByAlias(alias), store.readUser(userId)]);
    if (holder) return importAgain(store, holder, again, now, dryRun);
    if (epochs.user === 0) return 'imported';
    throw new CurfewError('signed_out_meanwhile');
  }
  const epochs = { user: 0, everyone: everyone.get(shardTag(userId))! };
  const opening = {
    userId,
    accessGroups: [],
    userAgent: parseUserAgent(found.userAgent),
    // Another application may have kept anything here.
    ip: found.ip === undefined ? undefined : normalAddress(found.ip),
    metadata,
    absolute: 0,
    idle,
    data,
    epochs,
    openedWith: [],
  };
  const { stored } = openSession(opening, createdAt, random);
  const isSignIn = found.createdAt !== undefined && !found.openedByAnother;
  const outcome = await store.createSession({
    session: {
      ...stored,
      authenticatedAt: isSignIn ? createdAt : Math.min(createdAt, now - freshSignIn),
      lastSeenAt,
      expiresAt: Math.max(end, Math.min(now + lifetime, latest)),
      aliases: [alias],
    },
    epochs,
    by: 'library',
    now,
  });
  if (outcome.kind === 'created') return 'imported';
  // A user whose sessions were all ended has some of them there.
  const holder = await store.readSessionByAlias(alias);
  if (holder) return importAgain(store, holder, again, now, dryRun);
  throw new CurfewError('signed_out_meanwhile');
}
