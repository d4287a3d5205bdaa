import { aliasIn } from '../domain/alias.ts';
import type { SessionId } from '../domain/brand.ts';
import { storeEvents } from '../domain/events.ts';
import type { NamedSession } from '../domain/named.ts';
import { deadlineEnd, type Epochs, endOf, type StoredSession } from '../domain/session.ts';
import type { Committed, Engine, RowChange, Standing } from '../stores/commit.ts';
import type { Creation, CreationOutcome, SessionSnapshot } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';
import { endingOf, endSession } from './end-session.ts';
import { type LiveSessions, sessionsOf } from './sessions-of.ts';

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
  const before: Replaced = { ids: [], sequence: undefined };
  const outcome = await settle(
    engine,
    await pictureOf(engine, creation, [], on, before),
    (picture) => decide(picture, creation),
    ({ sessions, on: found }) => pictureOf(engine, creation, [...sessions.values()], found!, before),
  );
  if (outcome.kind === 'created') {
    const { replaced, sequence = before.sequence } = outcome;
    return { ...outcome, replaced: [...before.ids, ...replaced], sequence };
  }
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
  creation: Creation,
  found: readonly SessionSnapshot[],
  on: Standing,
  before: Replaced,
): Promise<Picture> {
  const { session, limit, epochs } = creation;
  const { id, name, aliases } = session;
  const there = found.find(({ stored }) => stored.id === id)?.stored;
  // In the order of the aliases, because each engine finds the sessions in an order of its own.
  const others = found.filter(({ stored }) => stored.id !== id);
  const holders = aliases.flatMap((alias) => others.find(({ stored }) => aliasIn(stored, alias)) ?? []);
  const known = { there, holder: holders[0]?.stored.id };
  if (!limit && name === undefined)
    return { ...known, on, slot: undefined, held: undefined, slots: new Map(), live: [] };
  // Epochs that have moved come before a name that is taken, so they must not be an assumption then.
  const standing = async () => ({ ...(await engine.readSessionsOf(on.userId, { limit: 0 })), sessions: [] });
  const [user, named] = await Promise.all([
    limit ? readForLimit(engine, creation, limit, before) : epochs === 'current' ? undefined : standing(),
    name === undefined ? undefined : engine.readSlot(name),
  ]);
  const live = user?.sessions ?? [];
  const names = replacedBy(live, creation).flatMap((one) => one.name ?? []);
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

function decide(picture: Picture, creation: Creation): Decision<CreationOutcome> {
  const { session: asked, epochs, limit, by, now } = creation;
  const { there, holder, on, slot, held, live } = picture;
  if (there) return { answer: createdBefore(there) };
  const session: StoredSession = { ...asked, epochs: { user: on.user, everyone: on.everyone } };
  if (epochs !== 'current' && (epochs.user !== on.user || epochs.everyone !== on.everyone)) {
    return { answer: { kind: 'epoch_moved' } };
  }
  if (held && !endOf(held.stored, held.epochEnd, now)) return { answer: { kind: 'name_taken' } };
  if (slot && !slot.started) return { answer: { kind: 'name_stopped' } };
  const active = limit ? activeOf(live, now).length : 0;
  if (limit?.excess === 'refuse' && active >= limit.max) return { answer: { kind: 'too_many', active } };
  // After what is known without a conflict, so that every engine answers alike.
  if (holder !== undefined) return { answer: { kind: 'alias_taken', holder } };
  const replaced = replacedBy(live, creation);
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

/** The sessions whose deadline has not passed. */
function activeOf(live: readonly StoredSession[], now: number): StoredSession[] {
  return live.filter((stored) => !deadlineEnd(stored, now));
}

/** The sessions that a new one replaces: as many of the oldest as necessary. */
function replacedBy(live: readonly StoredSession[], { limit, now }: Creation): StoredSession[] {
  if (limit?.excess !== 'replace') return [];
  const active = activeOf(live, now);
  return active.slice(0, Math.max(0, active.length + 1 - limit.max));
}

/** Sessions that were ended before the creation, because of the same limit. */
type Replaced = { ids: SessionId[]; sequence: number | undefined };

/** How many more sessions than the limit allows are read, and how many ends share a commit with a creation. */
const beyond = 500;
const endedAtOnce = 100;

/**
 * The user's sessions, for a limit. A user may have very many more than it allows if it was lowered, and they cannot all be
 * ended in one step: then ends that are due in any case come first, a few at a time.
 */
async function readForLimit(
  engine: Engine,
  { session: { userId }, now }: Creation,
  { max, excess }: NonNullable<Creation['limit']>,
  before: Replaced,
): Promise<LiveSessions> {
  for (;;) {
    const live = await sessionsOf(engine, userId, max + beyond);
    const active = activeOf(live.sessions, now);
    const over = Math.max(0, active.length - max);
    if (excess === 'refuse' ? active.length >= max || !live.more : over < endedAtOnce && !live.more) return live;
    // Those whose deadline has passed are recorded as ended, which a sweep would do as well.
    const due = live.more ? live.sessions.filter((stored) => deadlineEnd(stored, now)) : [];
    const ending = excess === 'refuse' ? due : [...active.slice(0, over), ...due];
    for (let from = 0; from < ending.length; from += endedAtOnce) {
      const some = ending.slice(from, from + endedAtOnce);
      const why = { at: now, by: 'policy', reason: 'replaced' } as const;
      const outcomes = await Promise.all(some.map((seen) => endSession(engine, seen.id, why, { seen })));
      for (const outcome of outcomes) {
        if (outcome.kind === 'not_found') continue;
        if (outcome.kind === 'ended') before.ids.push(outcome.session.id);
        before.sequence = Math.max(before.sequence ?? 0, outcome.end.sequence);
      }
    }
  }
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
