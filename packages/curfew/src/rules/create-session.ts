import { aliasIn } from '../domain/alias.ts';
import type { SessionId } from '../domain/brand.ts';
import { storeEvents } from '../domain/events.ts';
import type { NamedSession } from '../domain/named.ts';
import { deadlineEnd, type Epochs, endOf, type StoredSession } from '../domain/session.ts';
import type { Committed, Engine, RowChange, Standing } from '../stores/commit.ts';
import type { Creation, CreationOutcome, SessionSnapshot } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';
import { endingOf } from './end-session.ts';

type Picture = {
  /** The session with the id of the new one. */
  there: StoredSession | undefined;
  /** The session that has the first of those aliases that are taken. */
  holder: SessionId | undefined;
  on: Standing;
  slot: NamedSession | undefined;
  held: SessionSnapshot | undefined;
  /** The slots of the user's sessions that are replaced, by name. */
  slots: ReadonlyMap<string, NamedSession>;
  live: readonly StoredSession[];
};

/**
 * Creates a session. One that has neither a limit nor a name is decided on an assumption, without a read: that there is no
 * session with its id yet, that its aliases are free, and that the epochs are `likely`.
 */
export async function createSession(engine: Engine, creation: Creation, likely: Epochs): Promise<CreationOutcome> {
  const { userId } = creation.session;
  const on = { userId, ...(creation.epochs === 'current' ? likely : creation.epochs) };
  const outcome = await settle(
    engine,
    await pictureOf(engine, creation, [], on),
    (picture) => decide(picture, creation),
    ({ sessions, on: found }) => pictureOf(engine, creation, [...sessions.values()], found!),
  );
  if (outcome.kind === 'created') return outcome;
  // What stands in the way may be the session itself, from an earlier try.
  const there = await engine.readSession(creation.session.id);
  return there ? createdBefore(there.stored) : outcome;
}

const createdBefore = (session: StoredSession): CreationOutcome => ({
  kind: 'created',
  session,
  replaced: [],
  sequence: undefined,
});

/** What a creation is decided on: reads only what its limit and its name require. */
async function pictureOf(
  engine: Engine,
  { session: { id, name, aliases }, limit, epochs }: Creation,
  found: readonly SessionSnapshot[],
  on: Standing,
): Promise<Picture> {
  const there = found.find(({ stored }) => stored.id === id)?.stored;
  // In the order of the aliases, because each engine finds the sessions in an order of its own.
  const others = found.filter(({ stored }) => stored.id !== id);
  const holders = aliases.flatMap((alias) => others.find(({ stored }) => aliasIn(stored, alias)) ?? []);
  const known = { there, holder: holders[0]?.stored.id };
  if (!limit && name === undefined)
    return { ...known, on, slot: undefined, held: undefined, slots: new Map(), live: [] };
  // Epochs that have moved come before a name that is taken, so they must not be an assumption then.
  const [user, named] = await Promise.all([
    limit || epochs !== 'current' ? engine.readSessionsOf(on.userId) : undefined,
    name === undefined ? undefined : engine.readSlot(name),
  ]);
  const live = user?.sessions ?? [];
  const names = limit?.excess === 'replace' ? live.flatMap((one) => one.name ?? []) : [];
  const slots = await Promise.all(names.map((one) => engine.readSlot(one)));
  return {
    ...known,
    on: user?.on ?? on,
    slot: named?.slot,
    held: named?.held,
    slots: new Map(slots.flatMap(({ slot }) => (slot ? [[slot.name, slot]] : []))),
    live,
  };
}

function decide(picture: Picture, { session: asked, epochs, limit, by, now }: Creation): Decision<CreationOutcome> {
  const { there, holder, on, slot, held, live } = picture;
  if (there) return { answer: createdBefore(there) };
  const session: StoredSession = { ...asked, epochs: { user: on.user, everyone: on.everyone } };
  if (epochs !== 'current' && (epochs.user !== on.user || epochs.everyone !== on.everyone)) {
    return { answer: { kind: 'epoch_moved' } };
  }
  if (held && !endOf(held.stored, held.epochEnd, now)) return { answer: { kind: 'name_taken' } };
  if (slot && !slot.started) return { answer: { kind: 'name_stopped' } };
  const active = limit ? live.filter((other) => !deadlineEnd(other, now)) : [];
  const over = limit ? active.length + 1 - limit.max : 0;
  if (over > 0 && limit?.excess === 'refuse') return { answer: { kind: 'too_many', active: active.length } };
  // After what is known without a conflict, so that every engine answers alike.
  if (holder !== undefined) return { answer: { kind: 'alias_taken', holder } };
  const replaced = active.slice(0, Math.max(0, over));
  const ends = replaced.map((old, entry) => {
    const named = old.name === undefined ? undefined : picture.slots.get(old.name);
    return endingOf(old, { at: now, by: 'policy', reason: 'replaced' }, { slot: named, counted: true, entry });
  });
  const rows: RowChange[] = [{ table: 'sessions', after: session }];
  if (session.name !== undefined) rows.push({ table: 'slots', before: slot, after: holding(slot, session, now) });
  return {
    change: {
      at: now,
      // Without a limit, other sessions of the user do not matter.
      on: limit ? on : { userId: on.userId, user: on.user, everyone: on.everyone },
      rows: [...ends.flatMap((end) => end.rows), ...rows],
      count: ends.reduce((sum, end) => sum + (end.count ?? 0), session.suspended ? 0 : 1),
      log: ends.flatMap((end) => end.log),
      events: [...ends.flatMap((end) => end.events), storeEvents.created(session, by, now)],
    },
    answered: ({ sequences }: Committed) => ({
      kind: 'created',
      session,
      replaced: replaced.map(({ id }) => id),
      sequence: sequences.at(-1),
    }),
  };
}

/** A name's slot with a new session in it; a name without a slot gets one that ends with the session. */
function holding(slot: NamedSession | undefined, { id, name }: StoredSession, now: number): NamedSession {
  return slot
    ? { ...slot, sessionId: id, updatedAt: now, version: slot.version + 1 }
    : {
        name: name!,
        config: {},
        started: true,
        sessionId: id,
        kept: false,
        createdAt: now,
        updatedAt: now,
        version: 1,
      };
}
