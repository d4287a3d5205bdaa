/*
 * The id of a node ends with the length of its leases, so that everybody who reads its row knows for how long it and
 * its verifiers may be trusted: the setting differs between servers while it is being changed, one after another.
 */

/** `lease`: milliseconds. */
export const nodeId = (unique: string, lease: number): string => `${unique}.${lease}`;

/** Milliseconds; `undefined` for a node of an earlier version, whose id does not say. */
export function leaseOf(id: string): number | undefined {
  const [, lease] = /\.(\d{1,9})$/.exec(id) ?? [];
  return lease === undefined ? undefined : Number(lease);
}
