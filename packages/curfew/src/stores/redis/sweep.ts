import { setTimeout } from 'node:timers/promises';
import type { SweepOutcome, SweepTask } from '../contract.ts';
import type { Link } from './link.ts';
import type { Script } from './scripts/script.ts';
import * as pieces from './scripts/sweep.ts';

/** How many sessions one script handles; Redis does nothing else meanwhile, for a fraction of a millisecond. */
const piece = 5;
/** For how many blocks of events one call records the times, each in a script of its own. */
const blocks = 20;
/** How many keys one call scans for sessions whose indexes need repair. */
const mendLooks = 100;

/** Follows a stream to its end, whatever the sweep does meanwhile; by a script whose argument is how many entries. */
export async function follow(link: Link, script: Script): Promise<void> {
  const most = 100;
  while (Number(await link.run(script, [String(most)])) === most);
}

/** Cleans up, in scripts so small that other calls hardly wait. */
export class Sweeper {
  readonly #link: Link;
  /** The position of the walk over all keys that repairs indexes; each node has its own. */
  #mended = '0';

  constructor(link: Link) {
    this.#link = link;
  }

  async sweep({ now, keepEnded, keepEvents, batch }: SweepTask): Promise<SweepOutcome> {
    const oldest = now - keepEnded;
    const placed = await this.#count(pieces.placeCreated, batch * 4, []);
    const expired = await this.#settle(pieces.expire, now, batch);
    const users = await this.#settle(pieces.settleUsers, now, batch - expired.ended);
    const everyone = await this.#settle(pieces.settleEveryone, now, batch - expired.ended - users.ended);
    const buried = await this.#count(pieces.buryEnded, batch, []);
    const forgotten = await this.#count(pieces.forgetEnded, batch, [oldest]);
    const trimmed = await this.#count(pieces.trimStreams, batch * 4, [oldest, now - keepEvents]);
    const timed = await this.#recordTimes();
    const rest = await this.#count(pieces.forgetRest, batch, [oldest, now]);
    await this.#mend(now);
    return {
      expired: expired.expired + users.expired + everyone.expired,
      endsWritten: expired.endsWritten + users.endsWritten + everyone.endsWritten,
      forgotten: forgotten.count,
      more: [placed, expired, users, everyone, buried, forgotten, trimmed, timed, rest].some(({ more }) => more),
    };
  }

  /** Runs a script piece by piece until it finds nothing more, or has recorded as many as allowed. */
  async #settle(script: Script, now: number, most: number) {
    // `ended`: also those whose end was recorded before.
    let [endsWritten, expired, ended] = [0, 0, 0];
    for (let looked = piece; looked > 0; ) {
      const left = most - ended;
      if (left <= 0) return { endsWritten, expired, ended, more: true };
      const began = performance.now();
      const reply = await this.#link.run(script, [String(now), String(Math.min(piece, left))]);
      const [seen, byEpoch, byDeadline, before] = reply as [number, number, number, number];
      looked = seen;
      endsWritten += byEpoch;
      expired += byDeadline;
      ended += byEpoch + byDeadline + before;
      // Then others get Redis for as long: very many may have ended at once, and nobody waits for the sweep.
      if (looked > 0) await setTimeout(performance.now() - began);
    }
    return { endsWritten, expired, ended, more: false };
  }

  async #count(script: Script, most: number, args: readonly number[]): Promise<{ count: number; more: boolean }> {
    for (let count = 0; ; ) {
      const size = Math.min(piece, most - count);
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
      String(mendLooks),
    );
    const [cursor, keys] = found as [string, string[]];
    const ids = keys.map((key) => key.slice(key.lastIndexOf(':') + 1));
    for (let i = 0; i < ids.length; i += piece) {
      await this.#link.run(pieces.mend, [String(now), ...ids.slice(i, i + piece)]);
    }
    this.#mended = cursor;
  }
}
