import { createHash } from 'node:crypto';
import type { LogHead, Store } from '../contract.ts';
import type { Part } from '../redis/part.ts';
import { atMost } from './at-most.ts';
import { confirmWhole, lastSeen, noteIncarnation, noteSeen, readConfirmed } from './scripts.ts';

/**
 * Milliseconds for which the incarnations of the groups are known, and for which one of them is waited for: as a rule, and
 * when the home is another one.
 */
const [fresh, patience, patienceAfterChange] = [500, 100, 1000];
const joint = '+';

/**
 * The store is another incarnation if any of its parts is: acknowledged changes may be lost in any of them. A group that is
 * out of reach counts as it was last seen, so that the others go on.
 */
export class Incarnations implements Pick<Store, 'renewNode' | 'listNodes' | 'confirmIncarnation'> {
  readonly #home: Part;
  readonly #groups: readonly Part[];
  readonly #seen: string[];
  /** What the home has noted of each group on which connection. */
  readonly #noted: string[] = [];
  readonly #asking: (Promise<void> | undefined)[] = [];
  #askedAt = Number.NEGATIVE_INFINITY;
  #homeSeen = '';
  #looking: Promise<void> = Promise.resolve();

  constructor(home: Part, groups: readonly Part[]) {
    this.#home = home;
    this.#groups = groups;
    this.#seen = groups.map(() => '');
  }

  /**
   * Asks every group before any answer counts: what was never seen would count as another incarnation than the one that
   * all other servers see. One that is out of reach, or refuses writes, counts as any server has seen it last.
   * @throws if none has
   */
  async begin(): Promise<void> {
    await Promise.all(this.#groups.map((_, i) => this.#look(i)));
    this.#askedAt = performance.now();
  }

  logHead = async (): Promise<LogHead> => this.#whole(await this.#home.store.logHead());

  renewNode: Store['renewNode'] = async (row) => this.#whole(await this.#home.store.renewNode(row));

  listNodes: Store['listNodes'] = async (tail) => {
    const list = await this.#whole(await this.#home.store.listNodes(tail));
    return { ...list, confirmed: (await this.#home.link.run(readConfirmed, [])) === list.incarnation };
  };

  confirmIncarnation: Store['confirmIncarnation'] = async (incarnation) => {
    const [home = ''] = incarnation.split(joint);
    if ((await this.#whole({ incarnation: home })).incarnation !== incarnation) return;
    await this.#home.link.run(confirmWhole, [home, incarnation]);
  };

  /** What the home has answered, with the incarnation of the whole store. */
  async #whole<Answer extends { incarnation: string }>(answer: Answer): Promise<Answer> {
    const isAnother = this.#homeSeen !== '' && answer.incarnation !== this.#homeSeen;
    this.#homeSeen = answer.incarnation;
    if (isAnother || performance.now() - this.#askedAt >= fresh) {
      this.#askedAt = performance.now();
      // Several parts may have been on the server that was replaced: nodes should start over once for all of them.
      if (isAnother) for (const { link } of this.#groups) link.hurry();
      const asked = Promise.all(this.#groups.map((_, i) => this.#ask(i)));
      this.#looking = atMost(isAnother ? patienceAfterChange : patience, asked);
    }
    // Another call may have begun that.
    await this.#looking;
    const groups = createHash('sha256').update(this.#seen.join(' ')).digest('base64url');
    return { ...answer, incarnation: answer.incarnation + joint + groups };
  }

  /** One question at a time: a server that hangs is not asked again before it has answered, or the answer is late. */
  #ask(i: number): Promise<void> {
    this.#asking[i] ??= this.#look(i)
      .catch(() => {})
      .finally(() => {
        this.#asking[i] = undefined;
      });
    return this.#asking[i];
  }

  /**
   * What a group is counts once the home has noted it, for servers that start while the group is out of reach. One that
   * was never seen here is what it was for others.
   */
  async #look(i: number): Promise<void> {
    try {
      const seen = (await this.#groups[i]!.link.run(noteIncarnation, [])) as string;
      await this.#note(i, seen);
      this.#seen[i] = seen;
    } catch (fault) {
      const own = this.#noted[i] === undefined ? '' : this.#seen[i]!;
      // The home may have lost it. But another server may have seen the group later.
      const noted = (await this.#home.link.run(lastSeen, [String(i), own])) as string | null;
      if (noted === null) throw fault;
      this.#seen[i] = own || noted;
    }
  }

  /** Another connection to the home may lead to another server, which lacks what was noted before. */
  async #note(i: number, seen: string): Promise<void> {
    const note = `${this.#home.link.generation} ${seen}`;
    if (note !== this.#noted[i]) await this.#home.link.run(noteSeen, [String(i), seen]);
    this.#noted[i] = note;
  }
}
