import { networkOf } from '../domain/address-bytes.ts';
import { limits } from '../domain/limits.ts';
import { CurfewError } from '../errors.ts';

/** Seconds after which it is worth to try again: by then it is known of most streams whose reader has gone. */
const retryAfter = 15;

/** Whose streams of events are open on this server. Each asks the store again and again, and costs a connection. */
export class OpenStreams {
  readonly #open: Map<string, number> = new Map();

  /**
   * Counts one more, of a caller and from an address (of IPv6, from a network of 64 bits); what it answers with takes it
   * back.
   * @throws `too_many_streams`
   */
  admit(caller: string, address: string): () => void {
    const network = networkOf(address);
    const places = [
      { name: `caller ${caller}`, most: limits.streamsOfCaller, who: 'The caller' },
      { name: `network ${network}`, most: limits.streamsOfAddress, who: `The network of ${address}` },
    ];
    for (const { name, most, who } of places) {
      if ((this.#open.get(name) ?? 0) < most) continue;
      throw new CurfewError('too_many_streams', { detail: `${who} holds ${most} open on this server.`, retryAfter });
    }
    for (const { name } of places) this.#count(name, 1);
    let counted = true;
    return () => {
      if (!counted) return;
      counted = false;
      for (const { name } of places) this.#count(name, -1);
    };
  }

  #count(name: string, by: 1 | -1): void {
    const count = (this.#open.get(name) ?? 0) + by;
    if (count === 0) this.#open.delete(name);
    else this.#open.set(name, count);
  }
}
