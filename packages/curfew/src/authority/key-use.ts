import type { KeyId } from '../domain/brand.ts';
import type { ApiKey } from '../domain/key.ts';
import { hour } from '../domain/limits.ts';
import type { Store } from '../stores/contract.ts';

/** The use of a key is written once an hour: it shows which keys nobody needs any more. */
const coalesce = hour;

/** When API keys were last used. A request never writes: it notes the time here, and the upkeep writes it. */
export class KeyUse {
  readonly #store: Store;
  #used: Map<KeyId, number> = new Map();
  /** What was written here: a key that was read before does not show it. */
  readonly #written: Map<KeyId, number> = new Map();

  constructor(store: Store) {
    this.#store = store;
  }

  note({ id, lastUsedAt }: Pick<ApiKey, 'id' | 'lastUsedAt'>, now: number): void {
    const last = Math.max(lastUsedAt ?? Number.NEGATIVE_INFINITY, this.#written.get(id) ?? Number.NEGATIVE_INFINITY);
    if (now - last >= coalesce) this.#used.set(id, now);
  }

  /** Writes what was noted. If that fails, it is written the next time. */
  async flush(): Promise<void> {
    if (this.#used.size === 0) return;
    const used = this.#used;
    this.#used = new Map();
    try {
      await this.#store.touchKeys([...used].map(([id, at]) => ({ id, at })));
      for (const [id, at] of used) this.#written.set(id, at);
    } catch (error) {
      this.#used = new Map([...used, ...this.#used]);
      throw error;
    }
  }
}
