import type { KeyId } from './brand.ts';
import type { Permission } from './permissions.ts';
import type { Actor } from './reasons.ts';

/** An API key as a store keeps it: a machine's credential. Times are epoch milliseconds. */
export type ApiKey = {
  id: KeyId;
  name: string;
  /** SHA-256 of the key's secret: 32 bytes. */
  hash: Uint8Array;
  scopes: readonly Permission[];
  createdAt: number;
  createdBy: Actor;
  revokedAt: number | undefined;
};

/** An API key as a caller may see it. */
export type ApiKeyView = Omit<ApiKey, 'hash'>;

export function keyView({ hash: _hash, ...key }: ApiKey): ApiKeyView {
  return key;
}
