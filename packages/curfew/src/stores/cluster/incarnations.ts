import { createHash } from 'node:crypto';
import type { Store } from '../contract.ts';
import type { Part } from '../redis/part.ts';
import { confirmWhole, noteIncarnation, readConfirmed } from './scripts.ts';

/** Milliseconds for which the incarnations of the groups are known. */
const fresh = 500;
const joint = '+';

/**
 * The store is another incarnation if any of its parts is: acknowledged changes may be lost in any of them. A group that is
 * out of reach counts as it was last seen, so that the others go on.
 */
export class Incarnations implements Pick<Store, 'logHead' | 'renewNode' | 'listNodes' | 'confirmIncarnation'> {
  readonly #home: Part;
  readonly #groups: readonly Part[];
  readonly #seen: string[];
  #asking: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(home: Part, groups: readonly Part[]) {
    this.#home = home;
    this.#groups = groups;
    this.#seen = groups.map(() => '');
  }

  logHead: Store['logHead'] = async () => this.#whole(await this.#home.store.logHead());

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
    if (performance.now() - this.#askedAt >= fresh) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
    const groups = createHash('sha256').update(this.#seen.join(' ')).digest('base64url');
    return { ...answer, incarnation: answer.incarnation + joint + groups };
  }

  async #ask(): Promise<void> {
    const begun = performance.now();
    await Promise.allSettled(
      this.#groups.map(async ({ link }, i) => {
        this.#seen[i] = (await link.run(noteIncarnation, [])) as string;
      }),
    );
    this.#askedAt = begun;
  }
}
