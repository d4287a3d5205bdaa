import { setTimeout } from 'node:timers/promises';
import type { SessionId } from '../../domain/brand.ts';
import { shardTag, timeOfId } from '../../domain/ids.ts';
import { day } from '../../domain/limits.ts';
import type { SessionSnapshot } from '../contract.ts';
import { allTags } from '../redis/keys.ts';
import type { Part } from '../redis/part.ts';
import { decodeSnapshot } from '../redis/snapshot.ts';
import { forbid } from './scripts.ts';

/** Milliseconds: what is older is not being created any more; how long somebody waits for it; and between two looks. */
const [young, patience, look] = [60_000, 1000, 10];
/** Milliseconds for which a session stays forbidden: longer than any call takes. */
const forbidden: number = day;

/** The groups: each has the users of some of the shard tags. */
export class Groups {
  readonly all: readonly Part[];
  readonly #byTag: ReadonlyMap<string, number>;

  constructor(all: readonly Part[]) {
    this.all = all;
    this.#byTag = new Map(allTags().map((tag, i) => [tag, i % all.length]));
  }

  /** The number of a user's group. */
  ofUser(userId: string): number {
    return this.#byTag.get(shardTag(userId))!;
  }

  /**
   * Makes sure that a session that does not exist is never created. Returns it if it exists.
   */
  async forbid(id: SessionId): Promise<SessionSnapshot | undefined> {
    const group = this.ofSession(id);
    if (group === undefined) return undefined;
    return decodeSnapshot(id, await this.all[group]!.writes.run(forbid, [id, String(forbidden)]));
  }

  /** A session in its group, with the numbers that ends have in the group's log. */
  async read(id: SessionId): Promise<SessionSnapshot | undefined> {
    const group = this.ofSession(id);
    return group === undefined ? undefined : this.all[group]!.store.readSession(id);
  }

  /**
   * The same for a session that is perhaps just being created: waits for a moment, as long as it is `expected`. `at`: the
   * time of the call.
   */
  async readSoon(
    id: SessionId,
    at: number,
    expected: () => Promise<boolean> = async () => true,
  ): Promise<SessionSnapshot | undefined> {
    const until = at - timeOfId(id) > young ? 0 : performance.now() + patience;
    for (;;) {
      const found = await this.read(id);
      if (found || performance.now() >= until || !(await expected())) return found;
      await setTimeout(look * (0.5 + Math.random()));
    }
  }

  /** The same from a session's id; `undefined` for an id whose tag does not exist. */
  ofSession(id: string): number | undefined {
    return this.#byTag.get(id.slice(8, 10));
  }
}
