import { isIP } from 'node:net';

/**
 * The bytes of an address: 4 or 16; 4 also for an IPv4-mapped IPv6 address. `undefined` if the text is not an address.
 */
export function addressBytes(text: string): Uint8Array | undefined {
  const bare = text.split('%', 1)[0]!;
  const family = isIP(bare);
  if (family === 4) return Uint8Array.from(bare.split('.'), Number);
  if (family !== 6) return undefined;
  const [left, right] = bare.split('::', 2).map(groupsOf);
  const missing = 16 - left!.length - (right?.length ?? 0);
  const bytes = Uint8Array.from([...left!, ...Array<number>(missing).fill(0), ...(right ?? [])]);
  return isMapped(bytes) ? bytes.subarray(12) : bytes;
}

/** The bytes of IPv6 groups, the last of which may be written as IPv4. */
function groupsOf(text: string): number[] {
  return text.split(':').flatMap((group) => {
    if (group === '') return [];
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** A text that sorts addresses by number: none first, then IPv4, then IPv6. */
export function addressRank(text: string | undefined): string {
  const bytes = text === undefined ? undefined : addressBytes(text);
  return bytes ? `${bytes.length === 4 ? 'a' : 'b'}${Buffer.from(bytes).toString('hex')}` : (text ?? '');
}

/**
 * The network by which limits count an address: with IPv6 the first 64 bits, because everybody has a network of that
 * size and can use any number of addresses in it (RFC 6177).
 */
export function networkOf(text: string): string {
  const bytes = addressBytes(text);
  if (!bytes) return text;
  return bytes.length === 4 ? bytes.join('.') : `${Buffer.from(bytes.subarray(0, 8)).toString('hex')}/64`;
}
