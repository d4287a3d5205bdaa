import type { Credential } from '../authority/fence.ts';
import type { LogEntry } from '../stores/contract.ts';

/**
 * Whoever was let in by a key or a session for longer than one answer, such as a stream of events, and is to hear of each
 * change that touches what they were let in by (R23).
 */
export class Guests {
  readonly #there: Map<string, Set<() => void>> = new Map();

  /** Calls back for every change that touches a credential, until what it answers with is called. */
  add(credential: Credential, onTouch: () => void): () => void {
    const names = namesOf(credential);
    for (const name of names) this.#there.set(name, (this.#there.get(name) ?? new Set()).add(onTouch));
    return () => {
      for (const name of names) {
        const those = this.#there.get(name);
        if (those?.delete(onTouch) && those.size === 0) this.#there.delete(name);
      }
    };
  }

  hear(entries: readonly LogEntry[]): void {
    if (this.#there.size === 0) return;
    for (const entry of entries) {
      if ('all' in entry) this.hearAll();
      else for (const name of namesOf(entry)) this.#call(name);
    }
  }

  /** Nobody knows what was changed. */
  hearAll(): void {
    for (const name of [...this.#there.keys()]) this.#call(name);
  }

  #call(name: string): void {
    for (const onTouch of [...(this.#there.get(name) ?? [])]) onTouch();
  }
}

/** As what a credential, or what a change touches, is looked for. */
function namesOf(of: { keyId?: string; sessionId?: string; userId?: string }): string[] {
  const { keyId, sessionId, userId } = of;
  return [
    ...(keyId === undefined ? [] : [`k${keyId}`]),
    ...(sessionId === undefined ? [] : [`s${sessionId}`]),
    ...(userId === undefined ? [] : [`u${userId}`]),
  ];
}
