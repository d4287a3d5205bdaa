import type { SessionName } from '../domain/brand.ts';
import type { NewEvent } from '../domain/events.ts';
import type { NamedSession } from '../domain/named.ts';
import type { Engine } from '../stores/commit.ts';
import type { NamedChange } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';

/** Creates a slot, on the assumption that its name has none. */
export function createNamed(engine: Engine, slot: NamedSession, event: NewEvent): Promise<'created' | 'exists'> {
  return settle<NamedSession | undefined, 'created' | 'exists'>(
    engine,
    undefined,
    (there) =>
      there
        ? { answer: 'exists' }
        : {
            change: { at: event.at, rows: [{ table: 'slots', after: slot }], events: [event] },
            answered: () => 'created',
          },
    ({ slots }) => slots.get(slot.name),
  );
}

type Answer = NamedSession | 'conflict' | 'not_found';

/** Compare-and-set of a slot, which is kept from then on. */
export async function changeNamed(engine: Engine, asked: NamedChange): Promise<Answer> {
  const { slot } = await engine.readSlot(asked.name);
  return settle(
    engine,
    slot,
    (found) => decide(found, asked),
    ({ slots }) => slots.get(asked.name),
  );
}

function decide(slot: NamedSession | undefined, { version, set, now, event }: NamedChange): Decision<Answer> {
  if (!slot) return { answer: 'not_found' };
  if (slot.version !== version) return { answer: 'conflict' };
  const changed: NamedSession = { ...slot, ...set, kept: true, updatedAt: now, version: version + 1 };
  return {
    change: { at: now, rows: [{ table: 'slots', before: slot, after: changed }], events: event ? [event] : [] },
    answered: () => changed,
  };
}

/** Removes a slot, if there is one. */
export async function removeNamed(engine: Engine, name: SessionName, event: NewEvent): Promise<void> {
  const { slot } = await engine.readSlot(name);
  return settle<NamedSession | undefined, void>(
    engine,
    slot,
    (found) =>
      found
        ? { change: { at: event.at, rows: [{ table: 'slots', before: found }], events: [event] }, answered: () => {} }
        : { answer: undefined },
    ({ slots }) => slots.get(name),
  );
}
