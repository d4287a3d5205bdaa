import type { Finding } from '../domain/finding.ts';
import { leaseOf } from '../domain/node-id.ts';
import { readSettings } from '../start/config.ts';
import type { Store } from '../stores/contract.ts';

/** Which leases the servers of a store have: those longer than the default must be the same (docs/fence, R10). */
export async function serversOf(store: Store): Promise<Finding[]> {
  const check = 'servers';
  const { nodes } = await store.listNodes();
  if (nodes.length === 0) return [];
  const leases = [...new Set(nodes.flatMap(({ id }) => leaseOf(id) ?? []))].sort((a, b) => a - b);
  const count = nodes.length === 1 ? 'one has' : `${nodes.length} have`;
  const says = `${count} a lease in the store${leases.length > 0 ? `, of ${leases.join(', ')} ms` : ''}`;
  if (leases.length < 2 || leases.at(-1)! <= readSettings({}).settings.leaseMs) return [{ check, state: 'ok', says }];
  const remedy =
    'Give all servers the same CURFEW_LEASE_MS: until then, ends in the first seconds after a failover can return too early.';
  return [{ check, state: 'warning', says, remedy }];
}
