import { CurfewError } from '../errors.ts';

const attempts = 20;

/**
 * Repeats a read and write for as long as another writer writes in between. In every round one writer succeeds, so
 * twenty rounds are far more than writers ever need.
 * @throws `changed_meanwhile`
 */
export async function retryConflicts<T>(attempt: () => Promise<T | 'conflict'>): Promise<T> {
  for (let round = 0; round < attempts; round++) {
    const result = await attempt();
    if (result !== 'conflict') return result;
  }
  throw new CurfewError('changed_meanwhile');
}
