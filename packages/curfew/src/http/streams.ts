import { networkOf } from '../domain/address-bytes.ts';
import { limits } from '../domain/limits.ts';
import { Places } from '../domain/places.ts';
import { CurfewError } from '../errors.ts';

/** Seconds after which it is worth trying again: by then most streams without a reader have been noticed. */
const retryAfter = 15;

/** Counts the open event streams on this server. Each reads from the store repeatedly and occupies a connection. */
export class OpenStreams {
  readonly #open: Places = new Places();

  /**
   * Counts one more stream of a caller and an address (for IPv6, a 64-bit network). Call the returned function when the
   * stream has ended.
   * @throws `too_many_streams`
   */
  admit(caller: string, address: string): () => void {
    const network = networkOf(address);
    const places = [
      { name: `caller ${caller}`, most: limits.streamsOfCaller, who: 'The caller' },
      { name: `network ${network}`, most: limits.streamsOfAddress, who: `The network of ${address}` },
    ];
    for (const { name, most, who } of places) {
      if (this.#open.of(name) < most) continue;
      throw new CurfewError('too_many_streams', {
        detail: `${who} has ${most} streams open on this server.`,
        retryAfter,
      });
    }
    const leave = places.map(({ name }) => this.#open.take(name));
    return () => {
      for (const free of leave) free();
    };
  }
}
