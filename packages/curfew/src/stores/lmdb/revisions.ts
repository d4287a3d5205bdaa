import type { UserId } from '../../domain/brand.ts';

/** How many users' revisions are kept. */
const most = 10_000;

/**
 * The number of the last write that created or ended a session of a user. It is only compared with the one that was read
 * a moment before, so it need not outlive the process; and of very many users the earliest are forgotten: they get a
 * number that is later than their own, by which a change that was decided on that is decided again.
 */
export class Revisions {
  readonly #of: Map<UserId, number> = new Map();
  #last = 0;
  #forgotten = 0;

  of(userId: UserId): number {
    return this.#of.get(userId) ?? this.#forgotten;
  }

  /** A new number, later than all others. */
  next(): number {
    this.#last += 1;
    return this.#last;
  }

  set(userId: UserId, revision: number): void {
    if (this.#of.size >= most) {
      this.#forgotten = this.#last;
      this.#of.clear();
    }
    this.#of.set(userId, revision);
  }
}
