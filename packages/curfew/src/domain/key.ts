import type { KeyId } from './brand.ts';
import type { Permission } from './permissions.ts';
import type { Actor } from './reasons.ts';

/** An API key, a machine's credential, as a store keeps it. Times are epoch milliseconds. */
export type ApiKey = {
  id: KeyId;
  name: string;
  /** SHA-256 of the key's secret: 32 bytes. */
  hash: Uint8Array;
  scopes: readonly Permission[];
  createdAt: number;
  createdBy: Actor;
  revokedAt: number | undefined;
  /** To the hour; absent if it was not used since this has been recorded. */
  lastUsedAt?: number | undefined;
};

/** An API key as a caller may see it. */
export type ApiKeyView = Omit<ApiKey, 'hash'>;

/**
 * A key from before attaching a verifier required a scope of its own: keys that could verify could attach, and still
 * can.
 */
export function withAttachScope(key: ApiKey): ApiKey {
  const { scopes } = key;
  if (!scopes.includes('sessions.verify') || scopes.includes('fence.attach')) return key;
  return { ...key, scopes: [...scopes, 'fence.attach'] };
}

export function keyView({ hash: _hash, ...key }: ApiKey): ApiKeyView {
  return key;
}
