import { setTimeout } from 'node:timers/promises';
import type { SessionId } from '../../domain/brand.ts';
import type { Candidate, Scan } from '../commit.ts';
import type { SweepTask } from '../contract.ts';
import { decodeSlot } from './codec.ts';
import type { Link, Reply } from './link.ts';
import type { Script } from './scripts/script.ts';
import * as pieces from './scripts/sweep.ts';
import { decodeSnapshot } from './snapshot.ts';

/** How many sessions one script forgets or moves; Redis does nothing else meanwhile, for a fraction of a millisecond. */
const piece = 5;
/** How many entries of a stream one script reads only for their times. */
const followed = 100;
/** For how many blocks of events one call records the times, each in a script of its own. */
const blocks = 20;
/** How many keys one call scans for sessions whose indexes need repair, in all parts of a store. */
const mendLooks = 100;

/** Follows a stream of its own sessions to its end, whatever the sweep does meanwhile. */
export async function follow(link: Link, script: Script): Promise<void> {
  const most = 100;
  while (Number(await link.run(script, ['0', String(most)])) === most);
}

/** A candidate as scripts return it. */
type Found = [id: SessionId, snapshot: Reply, slot: string | null];

export type PartOptions = {
  /**
   * What it has of a divided store: a group has sessions, the home has everything else, among it the aliases, and the log
   * and the events of all. Absent for a store that is not divided.
   */
  role?: 'group' | 'home';
  /** Of how many parts of a store it is one. */
  parts?: number;
};

/** Finds what a sweep has to do and cleans up, in scripts so small that other calls hardly wait. */
export class Sweeper {
  readonly #link: Link;
  /** The position of the walk over all keys that repairs indexes; each node has its own. */
  #mended = '0';

  readonly #looks: number;
  readonly #role: PartOptions['role'];
  /** `1` if the aliases of its sessions are kept elsewhere. */
  readonly #aliasesElsewhere: '0' | '1';

  constructor(link: Link, { role, parts = 1 }: PartOptions) {
    this.#looks = Math.ceil(mendLooks / parts);
    this.#role = role;
    this.#aliasesElsewhere = role === 'group' ? '1' : '0';
    this.#link = link;
  }

  async scanDue(now: number, most: number): Promise<Scan> {
    if (this.#role === 'home') return nothing(false);
    const rest = restAfter();
    const reply = await this.#link.run(pieces.scanDue, [String(now), String(most)]);
    const [looked, ...found] = reply as [number, ...Found[]];
    const { candidates, unreadable } = decodeCandidates(found);
    return {
      candidates,
      more: looked === most,
      settle: async (damaged) => {
        const later = [...damaged, ...unreadable];
        if (later.length > 0) await this.#link.run(pieces.putOff, [String(now), ...later]);
        if (looked === most) await rest();
      },
    };
  }

  async scanPassed(most: number): Promise<Scan> {
    const rest = restAfter();
    // Both scans look in the lists, so those that were created since the last time come first.
    const placed = await this.#follow(pieces.placeCreated, most * 4);
    if (this.#role === 'home') return nothing(placed.more);
    const left = await this.#scanLeft(most);
    const live = await this.#scanLive(most);
    const more = left.more || live.more;
    return {
      candidates: [...left.candidates, ...live.candidates],
      more: placed.more || more,
      settle: async (damaged) => {
        await left.settle(damaged);
        await live.settle(damaged);
        if (more) await rest();
      },
    };
  }

  /** `events`: the number of the newest event that may be forgotten. */
  async forget(
    { now, keepEnded, keepEvents, batch }: SweepTask,
    events: number,
  ): Promise<{ forgotten: number; more: boolean }> {
    const oldest = now - keepEnded;
    const buried = await this.#follow(pieces.buryEnded, batch);
    const isHome = this.#role === 'home';
    const forgotten = isHome
      ? { count: 0, more: false }
      : await this.#count(pieces.forgetEnded, batch, [oldest, Number(this.#aliasesElsewhere)]);
    const trimmed = await this.#count(pieces.trimStreams, batch * 4, [oldest, now - keepEvents, events]);
    // Nobody looks for a time in a group's events.
    const timed = this.#role === 'group' ? { more: false } : await this.#recordTimes();
    const rest = await this.#count(pieces.forgetRest, batch, [oldest, now]);
    if (!isHome) await this.#mend(now);
    return { forgotten: forgotten.count, more: [buried, forgotten, trimmed, timed, rest].some(({ more }) => more) };
  }

  /** What steps of users' epochs have left behind. */
  async #scanLeft(most: number): Promise<Scan> {
    const [more, ...steps] = (await this.#link.run(pieces.scanLeft, [String(most)])) as [
      0 | 1,
      ...[string, ...Found[]][],
    ];
    const { candidates, unreadable } = decodeCandidates(steps.flatMap(([, ...found]) => found));
    return {
      candidates,
      more: more === 1,
      settle: async (damaged) => {
        const later = new Set([...damaged, ...unreadable]);
        const marked = steps.flatMap(([item, ...found]) => [item, found.some(([id]) => later.has(id)) ? '1' : '0']);
        if (marked.length > 0) await this.#link.run(pieces.settleLeft, marked);
      },
    };
  }

  /** What steps of everyone's epoch have passed. */
  async #scanLive(most: number): Promise<Scan> {
    const reply = (await this.#link.run(pieces.scanLive, [String(most)])) as [string, string, string, ...Found[]] | [];
    const [from, epoch, to, ...found] = reply;
    if (from === undefined) return nothing(false);
    return {
      candidates: decodeCandidates(found).candidates,
      more: to !== '',
      settle: async () => void (await this.#link.run(pieces.settleLive, [from, epoch!, to!])),
    };
  }

  /** Follows a stream. Entries about sessions of other parts need only their times noted. */
  #follow(script: Script, most: number): Promise<{ more: boolean }> {
    const elsewhere = this.#role === 'home';
    return this.#count(script, most, [Number(elsewhere)], elsewhere ? followed : piece);
  }

  async #count(
    script: Script,
    most: number,
    args: readonly number[],
    atOnce: number = piece,
  ): Promise<{ count: number; more: boolean }> {
    for (let count = 0; ; ) {
      const size = Math.min(atOnce, most - count);
      if (size <= 0) return { count, more: true };
      const done = Number(await this.#link.run(script, [...args, size].map(String)));
      count += done;
      if (done < size) return { count, more: false };
    }
  }

  async #recordTimes(): Promise<{ more: boolean }> {
    for (let done = 0; done < blocks; done++) {
      if ((await this.#link.run(pieces.recordTimes, [])) !== 1) return { more: false };
    }
    return { more: true };
  }

  async #mend(now: number): Promise<void> {
    const found = await this.#link.command(
      'SCAN',
      this.#mended,
      'MATCH',
      this.#link.key('{??}:s:*'),
      'COUNT',
      String(this.#looks),
    );
    const [cursor, keys] = found as [string, string[]];
    const ids = keys.map((key) => key.slice(key.lastIndexOf(':') + 1));
    for (let i = 0; i < ids.length; i += piece) {
      await this.#link.run(pieces.mend, [String(now), this.#aliasesElsewhere, ...ids.slice(i, i + piece)]);
    }
    this.#mended = cursor;
  }
}

/** No session has ended that is still to be recorded. */
const nothing = (more: boolean): Scan => ({ candidates: [], more, settle: async () => {} });

/** `unreadable`: sessions whose row is not one, or is damaged; they keep no other waiting. */
function decodeCandidates(found: readonly Found[]): { candidates: Candidate[]; unreadable: SessionId[] } {
  const candidates: Candidate[] = [];
  const unreadable: SessionId[] = [];
  for (const [id, reply, slot] of found) {
    try {
      const snapshot = decodeSnapshot(id, reply)!;
      candidates.push({ snapshot, slot: slot === null ? undefined : decodeSlot(snapshot.stored.name!, slot) });
    } catch {
      unreadable.push(id);
    }
  }
  return { candidates, unreadable };
}

/** Then others get Redis for as long as it took: very many may have ended at once, and nobody waits for the sweep. */
function restAfter(): () => Promise<void> {
  const began = performance.now();
  return () => setTimeout(performance.now() - began);
}
