import type { SessionName } from '../../domain/brand.ts';
import type { NamedSession } from '../../domain/named.ts';
import type { Tables } from './tables.ts';

export function readSlot(tables: Tables, name: SessionName): NamedSession | undefined {
  return tables.slots.get(name) as NamedSession | undefined;
}

export function listSlots(tables: Tables, { after, limit }: { after?: SessionName | undefined; limit: number }) {
  const range = after === undefined ? {} : { start: after, exclusiveStart: true };
  const found = [...tables.slots.getRange({ ...range, limit: limit + 1 })].map(({ value }) => value as NamedSession);
  return { slots: found.slice(0, limit), next: found.length > limit ? found[limit - 1]!.name : undefined };
}
