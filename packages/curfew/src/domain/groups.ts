import { CurfewError } from '../errors.ts';
import type { AccessGroup } from './brand.ts';
import { limits } from './limits.ts';

export type GroupChange = { add: readonly AccessGroup[]; remove: readonly AccessGroup[] };

/**
 * A session's access groups after a change: first groups are removed, then added, each once and in the order given.
 * `undefined` if nothing changes.
 * @throws `too_many_groups` if more than the limit would remain
 */
export function changeGroups(groups: readonly AccessGroup[], change: GroupChange): AccessGroup[] | undefined {
  const { add, remove } = change;
  const kept = remove.length === 0 ? groups : groups.filter((group) => !remove.includes(group) || add.includes(group));
  const added = add.filter((group) => !kept.includes(group));
  if (added.length === 0 && kept.length === groups.length) return undefined;
  return boundedGroups([...kept, ...added]);
}

/**
 * Each group once, within the limit.
 * @throws `too_many_groups`
 */
export function boundedGroups(groups: readonly AccessGroup[]): AccessGroup[] {
  const once = [...new Set(groups)];
  if (once.length > limits.groupsPerSession) throw tooManyGroups();
  return once;
}

/** One text for all: of several sessions with too many groups, each store finds another one first. */
export function tooManyGroups(): CurfewError {
  const detail = `There would be more than ${limits.groupsPerSession} access groups on a session.`;
  return new CurfewError('too_many_groups', { detail });
}
