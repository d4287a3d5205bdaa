import type { Credential } from '../authority/fence.ts';
import type { LogEntry } from '../stores/contract.ts';

/**
 * Callers that were authenticated by a key or a session for longer than one answer, such as for an event stream, and
 * must be told of each change that affects their credential (R23).
 */
export class Guests {
  readonly #there: Map<string, Set<() => void>> = new Map();

  /** Calls `onTouch` for every change that affects a credential, until the returned function is called. */
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

  /** It is unknown what was changed: everybody is told. */
  hearAll(): void {
    for (const name of [...this.#there.keys()]) this.#call(name);
  }

  #call(name: string): void {
    for (const onTouch of [...(this.#there.get(name) ?? [])]) onTouch();
  }
}

/** The names under which a credential is registered, and looked up for a change. */
function namesOf(of: { keyId?: string; sessionId?: string; userId?: string }): string[] {
  const { keyId, sessionId, userId } = of;
  return [
    ...(keyId === undefined ? [] : [`k${keyId}`]),
    ...(sessionId === undefined ? [] : [`s${sessionId}`]),
    ...(userId === undefined ? [] : [`u${userId}`]),
  ];
}
