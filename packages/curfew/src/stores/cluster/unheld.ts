import type { SessionName } from '../../domain/brand.ts';
import { timeOfId } from '../../domain/ids.ts';
import { minute } from '../../domain/limits.ts';
import type { NamedSession } from '../../domain/named.ts';
import type { Part } from '../redis/part.ts';
import type { Groups } from './groups.ts';

/** How many slots one sweep looks at. */
const looks = 50;

/**
 * Removes slots that nobody keeps and whose session has ended or was never created: a server that was killed in between
 * leaves one. A piece of all slots at a time.
 */
export class UnheldSlots {
  readonly #home: Part;
  readonly #groups: Groups;
  #after: SessionName | undefined;

  constructor(home: Part, groups: Groups) {
    this.#home = home;
    this.#groups = groups;
  }

  async sweep(now: number): Promise<void> {
    const { slots, next } = await this.#home.store.listNamed({ after: this.#after, limit: looks });
    this.#after = next;
    // What is out of reach now comes up again.
    await Promise.allSettled(slots.map((slot) => this.#look(slot, now)));
  }

  async #look(slot: NamedSession, now: number): Promise<void> {
    const { kept, sessionId: id } = slot;
    if (kept || id === undefined) return;
    const held = await this.#groups.read(id);
    const isOver = held
      ? held.stored.end !== undefined
      : now - timeOfId(id) > minute && !(await this.#groups.forbid(id));
    if (isOver) await this.#home.store.engine.commit({ at: now, rows: [{ table: 'slots', before: slot }] });
  }
}
