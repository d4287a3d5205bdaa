import type { Account } from '../../src/domain/account.ts';
import type { ApiKey } from '../../src/domain/key.ts';
import type { NamedSession } from '../../src/domain/named.ts';
import { allOfUser, everyone, note, StoreFixture, user } from '../../src/stores/conformance/harness.ts';
import type { Store } from '../../src/stores/contract.ts';

/** What something that is stored looks like: the names and kinds of its parts at any depth, also those of JSON in a text. */
export function layoutOf(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (value instanceof Uint8Array) return 'bytes';
  if (Array.isArray(value)) return `[${value.map(layoutOf).join(' ')}]`;
  if (typeof value === 'string' && /^[[{]/.test(value)) return `JSON ${layoutOf(JSON.parse(value))}`;
  if (typeof value !== 'object') return typeof value;
  return `{${Object.entries(value)
    .map(([name, part]) => `${name}: ${layoutOf(part)}`)
    .join(', ')}}`;
}

/** One of each with everything that it can have, so that a new part cannot be left out. */
export const account: { [Part in keyof Account]-?: NonNullable<Account[Part]> } = {
  id: 'account' as Account['id'],
  username: 'ada',
  email: 'ada@example.com',
  pendingEmail: 'new@example.com',
  name: 'Ada',
  roles: ['admin'],
  permissions: ['sessions.read'],
  disabled: false,
  createdAt: 1,
  updatedAt: 2,
  lastLoginAt: 3,
  version: 1,
  passwordHash: '$argon2id$',
  factor: { sealedSecret: Buffer.from('secret'), confirmedAt: 1, lastStep: 1, backupCodes: ['hash'] },
};
export const key: { [Part in keyof ApiKey]-?: NonNullable<ApiKey[Part]> } = {
  id: 'key' as ApiKey['id'],
  name: 'deployment',
  hash: Buffer.alloc(32, 1),
  scopes: ['sessions.verify'],
  createdAt: 1,
  createdBy: 'library',
  revokedAt: 2,
  lastUsedAt: 3,
};
export const slot: { [Part in keyof NamedSession]-?: NonNullable<NamedSession[Part]> } = {
  name: 'slot' as NamedSession['name'],
  config: {},
  started: true,
  sessionId: 'session' as NamedSession['sessionId'] & string,
  kept: true,
  createdAt: 1,
  updatedAt: 2,
  version: 1,
};

/** Writes an account, a key, a named session, and both kinds of epochs. */
export async function writeOneOfEach(store: Store): Promise<void> {
  await new StoreFixture({ store, dispose: async () => {} }).create({ userId: 'ada' });
  await store.createAccount(account, note('account.created'));
  await store.createKey(key, note('key.created'));
  await store.createNamed(slot, note('named_session.created'));
  await store.endSessionsOfUser(user('ada'), allOfUser());
  await store.endEveryone(everyone());
}
