import type { SessionName } from '../domain/brand.ts';
import type { NewEvent } from '../domain/events.ts';
import type { NamedSession } from '../domain/named.ts';
import { endOf } from '../domain/session.ts';
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

/** Removes a slot, if it is as the caller has seen it and nobody is signed in to it. */
export async function removeNamed(
  engine: Engine,
  name: SessionName,
  version: number,
  event: NewEvent,
): Promise<'removed' | 'conflict'> {
  return settle<Held, 'removed' | 'conflict'>(
    engine,
    await engine.readSlot(name),
    (found) => decideRemoval(found, version, event),
    () => engine.readSlot(name),
  );
}

type Held = Awaited<ReturnType<Engine['readSlot']>>;

function decideRemoval({ slot, held }: Held, version: number, event: NewEvent): Decision<'removed' | 'conflict'> {
  if (!slot) return { answer: 'removed' };
  // A slot that was removed and made again may have the same version, and somebody may have signed in to it.
  const isHeld = held && !endOf(held.stored, held.epochEnd, event.at);
  if (isHeld || slot.version !== version) return { answer: 'conflict' };
  return {
    change: { at: event.at, rows: [{ table: 'slots', before: slot }], events: [event] },
    answered: () => 'removed',
  };
}
