import { storeEvents } from '../domain/events.ts';
import type { NamedSession } from '../domain/named.ts';
import { deadlineEnd, endOf, type Epochs, type StoredSession } from '../domain/session.ts';
import type { Committed, Engine, Found, RowChange, Standing } from '../stores/commit.ts';
import type { Creation, CreationOutcome, SessionSnapshot } from '../stores/contract.ts';
import { type Decision, settle } from './deciding.ts';
import { endingOf } from './end-session.ts';

type Picture = {
  /** The session with the id of the new one. */
  there: StoredSession | undefined;
  on: Standing;
  slot: NamedSession | undefined;
  held: SessionSnapshot | undefined;
  /** The slots of the user's sessions that are replaced, by name. */
  slots: ReadonlyMap<string, NamedSession>;
  live: readonly StoredSession[];
};

/**
 * Creates a session. One that has neither a limit nor a name is decided on an assumption, without a read: that there is no
 * session with its id yet, and that the epochs are `likely`.
 */
export async function createSession(engine: Engine, creation: Creation, likely: Epochs): Promise<CreationOutcome> {
  const { userId } = creation.session;
  const epochs = creation.epochs === 'current' ? likely : creation.epochs;
  const assumed: Picture = {
    there: undefined,
    on: { userId, ...epochs },
    slot: undefined,
    held: undefined,
    slots: new Map(),
    live: [],
  };
  const first = isPlain(creation) ? assumed : await read(engine, creation, undefined);
  return settle(engine, first, (picture) => decide(picture, creation), (found) =>
    isPlain(creation)
      ? { ...assumed, there: found.sessions.get(creation.session.id)?.stored, on: found.on! }
      : read(engine, creation, found),
  );
}

const isPlain = ({ session, limit }: Creation) => session.name === undefined && !limit;

/** What a limit and a name are decided on. */
async function read(engine: Engine, { session, limit }: Creation, found: Found | undefined): Promise<Picture> {
  const { id, userId, name } = session;
  const there = found ? found.sessions.get(id) : await engine.readSession(id);
  const { on, sessions } = await engine.readSessionsOf(userId);
  const { slot, held } = name === undefined ? { slot: undefined, held: undefined } : await engine.readSlot(name);
  const slots = new Map<string, NamedSession>();
  if (limit?.excess === 'replace') {
    for (const { name: one } of sessions) {
      const of = one === undefined ? undefined : (await engine.readSlot(one)).slot;
      if (of) slots.set(of.name, of);
    }
  }
  return { there: there?.stored, on, slot, held, slots, live: sessions };
}

function decide(picture: Picture, { session: asked, epochs, limit, by, now }: Creation): Decision<CreationOutcome> {
  const { there, on, slot, held, live } = picture;
  if (there) return { answer: { kind: 'created', session: there, replaced: [], sequence: undefined } };
  const session: StoredSession = { ...asked, epochs: { user: on.user, everyone: on.everyone } };
  if (epochs !== 'current' && (epochs.user !== on.user || epochs.everyone !== on.everyone)) {
    return { answer: { kind: 'epoch_moved' } };
  }
  if (held && !endOf(held.stored, held.epochEnd, now)) return { answer: { kind: 'name_taken' } };
  if (slot && !slot.started) return { answer: { kind: 'name_stopped' } };
  const active = limit ? live.filter((other) => !deadlineEnd(other, now)) : [];
  const over = limit ? active.length + 1 - limit.max : 0;
  if (over > 0 && limit?.excess === 'refuse') return { answer: { kind: 'too_many', active: active.length } };
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
      events: [...ends.flatMap((end) => end.events), storeEvents.created(session, by)],
    },
    then: ({ sequences }: Committed) => ({
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
