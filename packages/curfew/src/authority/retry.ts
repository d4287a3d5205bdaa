import { CurfewError } from '../errors.ts';

const attempts = 20;

/**
 * Repeats a read and write while another writer gets there first. Every round has a winner, so twenty rounds are far
 * more than a fair race needs.
 * @throws `changed_meanwhile`
 */
export async function retryConflicts<T>(attempt: () => Promise<T | 'conflict'>): Promise<T> {
  for (let round = 0; round < attempts; round++) {
    const result = await attempt();
    if (result !== 'conflict') return result;
  }
  throw new CurfewError('changed_meanwhile');
}
