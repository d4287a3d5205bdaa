import { second } from '../domain/limits.ts';
import type { Permission } from '../domain/permissions.ts';
import { nextDeadline } from '../domain/session.ts';
import { authenticateAgain } from './authenticate.ts';
import type { Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import type { Credential } from './fence.ts';

/** Milliseconds after which the store is asked again in any case. */
const longest = 15 * second;

/**
 * Whether a caller that opened a stream may still read it. The store is asked at once after every change that affects
 * the caller's credential: so a stream ends when the key is revoked, when the session ends or its token is replaced,
 * and when the account is disabled or deleted. Any other change, such as the loss of a role, is found before anything
 * else is sent, and within {@link longest} if nothing is sent.
 */
export class Standing {
  readonly #context: AuthorityContext;
  readonly #caller: Caller;
  readonly #permission: Permission;
  readonly #over: AbortController = new AbortController();
  readonly #stop: () => void;
  /** When the session ends unless it is used, by the authority's clock. */
  #deadline: number = Number.POSITIVE_INFINITY;
  #askedAt: number = performance.now();
  /** Aborted when the caller may no longer read, or when the stream ends anyway. */
  readonly signal: AbortSignal;

  constructor(context: AuthorityContext, caller: Caller, permission: Permission, until: AbortSignal) {
    this.#context = context;
    this.#caller = caller;
    this.#permission = permission;
    this.signal = AbortSignal.any([until, this.#over.signal]);
    this.#noteDeadline(caller);
    const credential = credentialOf(caller);
    this.#stop = credential
      ? context.fence.watch(credential, () => void this.holds().catch(() => this.end()))
      : () => {};
    // The reader of the stream may leave without a word.
    until.addEventListener('abort', () => this.end(), { once: true, signal: this.#over.signal });
    // A signal that is already aborted fires no event.
    if (until.aborted) this.end();
  }

  /**
   * Whether the caller may still read, according to the store.
   * @throws `store_unavailable`
   */
  async holds(): Promise<boolean> {
    this.#askedAt = performance.now();
    const caller = await authenticateAgain(this.#context, this.#caller);
    if (caller?.granted.has(this.#permission)) this.#noteDeadline(caller);
    else this.end();
    return !this.signal.aborted;
  }

  /** Whether it is time to ask the store, although no change was reported. */
  get isDue(): boolean {
    return performance.now() - this.#askedAt >= longest || this.#context.clock.nowForEnd() >= this.#deadline;
  }

  end(): void {
    this.#stop();
    this.#over.abort();
  }

  #noteDeadline(caller: Caller): void {
    if (caller.kind === 'person') this.#deadline = nextDeadline(caller.session);
  }
}

function credentialOf(caller: Caller): Credential | undefined {
  if (caller.kind === 'key') return { keyId: caller.key.id };
  return caller.kind === 'person' ? { sessionId: caller.session.id, userId: caller.session.userId } : undefined;
}
