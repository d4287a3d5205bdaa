import type { KeyId } from '../domain/brand.ts';
import type { ApiKey } from '../domain/key.ts';
import { minute } from '../domain/limits.ts';
import type { Store } from '../stores/contract.ts';
import type { Fence } from './fence.ts';

type Known = { key: ApiKey; readAt: number; forget(): void };

/** How many keys are remembered. */
const most = 1000;
/** Milliseconds after which a key is read again: for its last use, and for changes that were made to its row by hand. */
const longest = minute;

/**
 * API keys that this process has read, so that not every request asks the store. They are trusted like sessions (R23):
 * only while the node's lease is valid, and until a change of the key is applied, which its revocation waits for.
 */
export class KnownKeys {
  readonly #store: Pick<Store, 'readKey'>;
  readonly #fence: Pick<Fence, 'leased' | 'watch'>;
  readonly #mono: () => number;
  readonly #known: Map<KeyId, Known> = new Map();

  constructor(store: Pick<Store, 'readKey'>, fence: Pick<Fence, 'leased' | 'watch'>, mono: () => number) {
    this.#store = store;
    this.#fence = fence;
    this.#mono = mono;
  }

  /** A key, from memory or from the store. One that is revoked, or is not there, is never remembered. */
  async read(id: KeyId): Promise<ApiKey | undefined> {
    const known = this.#known.get(id);
    if (known && this.#fence.leased && this.#mono() - known.readAt < longest) return known.key;
    return this.#ask(id);
  }

  async #ask(id: KeyId): Promise<ApiKey | undefined> {
    const readAt = this.#mono();
    let changed = false;
    let known: Known | undefined;
    const stop = this.#fence.watch({ keyId: id }, () => {
      changed = true;
      known?.forget();
    });
    try {
      const key = await this.#store.readKey(id);
      // A change that was applied meanwhile may be newer than the answer.
      if (!key || key.revokedAt !== undefined || changed) return key;
      this.#known.get(id)?.forget();
      const [oldest] = this.#known.values();
      if (this.#known.size >= most) oldest!.forget();
      known = {
        key,
        readAt,
        forget: () => {
          stop();
          this.#known.delete(id);
        },
      };
      this.#known.set(id, known);
      return key;
    } finally {
      if (!known) stop();
    }
  }
}
