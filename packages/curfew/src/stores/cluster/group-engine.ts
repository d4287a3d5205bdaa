import type { SessionId, SessionName } from '../../domain/brand.ts';
import { day } from '../../domain/limits.ts';
import type { NamedSession } from '../../domain/named.ts';
import { endOf, type StoredSession } from '../../domain/session.ts';
import { CurfewError } from '../../errors.ts';
import type { Change, Engine, Found, Outcome, RowChange, Scan, SessionRow, SlotRow } from '../commit.ts';
import type { SessionSnapshot } from '../contract.ts';
import { aliasKey, homeOfSession } from '../redis/keys.ts';
import type { Part } from '../redis/part.ts';
import type { Groups } from './groups.ts';
import { freeAliases, reserveAliases } from './scripts.ts';
import { uncertain } from './uncertain.ts';

/**
 * Milliseconds for which an alias may outlive the deadline of its session: longer than ended sessions are kept. Its group says
 * when it is free.
 */
const aliasesOutlive = 3700 * day;

/** How long an alias of a session is kept at most, from `now` on, in milliseconds. */
export const aliasesFor = ({ expiresAt }: StoredSession, now: number): number =>
  Math.max(1, Math.ceil(expiresAt - now)) + aliasesOutlive;

type Slots = { readSlot: Engine['readSlot'] };

/**
 * The engine of one group: a user's sessions and epochs are there, in one slot, and names and aliases are in the home. A
 * creation first reserves them there, for the id of a session that does not exist yet. A server that finds one reserved for a
 * session that does not exist makes sure that it never will, and then takes it. A name that nobody keeps is freed after
 * its session has ended.
 */
export class GroupEngine implements Engine {
  readonly #home: Part;
  readonly #group: Part;
  readonly #groups: Groups;
  readonly #slots: Slots;
  readonly #takeOver: () => Promise<number>;

  /** `takeOver`: takes over into the home what the group has told. Returns the number of the newest event of that. */
  constructor(home: Part, group: Part, groups: Groups, slots: Slots, takeOver: () => Promise<number>) {
    this.#takeOver = takeOver;
    this.#home = home;
    this.#group = group;
    this.#groups = groups;
    this.#slots = slots;
  }

  async commit(change: Change): Promise<Outcome> {
    const { rows = [] } = change;
    const sessions = rows.filter((row): row is SessionRow => row.table === 'sessions');
    const slots = rows.filter((row): row is SlotRow => row.table === 'slots');
    const made = sessions.find(
      ({ before, after }) => !before && (after.name !== undefined || after.aliases.length > 0),
    );
    const taken = slots.filter(({ after }) => after);
    const refused = made && (await this.#reserve(made.after, taken, change));
    if (refused) return refused;
    const never = made && `${homeOfSession(made.after.id)}no:${made.after.id}`;
    const mayBe = never === undefined ? [] : [{ key: never, stands: '', row: '=' }];
    const outcome = await this.#group.store.engine.commit({ ...change, rows: sessions }, mayBe);
    if (outcome.kind === 'conflict') {
      if (made) await this.#release(made.after, taken);
      if (never !== undefined && (await this.#group.link.read(never))[0] !== null) {
        throw new CurfewError('store_unavailable', {
          detail: 'The creation took so long that another one was given its name or one of its aliases.',
        });
      }
      return { kind: 'conflict', found: { ...outcome.found, slots: await this.#slotsOf(slots) } };
    }
    await uncertain(Promise.all(slots.map(({ before, after }) => !after && before && this.#free(before))));
    return outcome;
  }

  readSession: Engine['readSession'] = (id) => this.#group.store.engine.readSession(id);
  readSessionsOf: Engine['readSessionsOf'] = (userId, page) => this.#group.store.engine.readSessionsOf(userId, page);
  readAccount: Engine['readAccount'] = (id) => this.#home.store.engine.readAccount(id);
  readKey: Engine['readKey'] = (id) => this.#home.store.engine.readKey(id);
  readSlot: Engine['readSlot'] = (name) => this.#slots.readSlot(name);
  head: Engine['head'] = () => this.#group.store.engine.head();
  /** An answer may tell of a change that another call has made: it is known everywhere by then, too. */
  durable: NonNullable<Engine['durable']> = async () => {
    await this.#group.store.engine.durable();
    await this.#takeOver();
  };
  scanPassed: Engine['scanPassed'] = async (most) => this.#withSlots(await this.#group.store.engine.scanPassed(most));
  scanDue: Engine['scanDue'] = async (now, most) => this.#withSlots(await this.#group.store.engine.scanDue(now, most));
  /** Only events that the home has are forgotten here. */
  forget: Engine['forget'] = async (task) => this.#group.store.engine.forget(task, await this.#takeOver());

  async #withSlots(scan: Scan): Promise<Scan> {
    const candidates = await Promise.all(
      scan.candidates.map(async ({ snapshot }) => {
        const { name } = snapshot.stored;
        return { snapshot, slot: name === undefined ? undefined : await this.#home.store.readNamed(name) };
      }),
    );
    return { ...scan, candidates };
  }

  /** Reserves the name and the aliases of a session that is to be created. Returns the conflict if one of them is taken. */
  async #reserve(session: StoredSession, slots: readonly SlotRow[], change: Change): Promise<Outcome | undefined> {
    const { engine } = this.#group.store;
    const [there, { on }] = await Promise.all([
      engine.readSession(session.id),
      engine.readSessionsOf(session.userId, { limit: 0 }),
    ]);
    // Epochs that have moved come before a name that is taken.
    const lost = async (holder?: SessionSnapshot): Promise<Outcome> => ({
      kind: 'conflict',
      found: {
        ...nothing,
        sessions: new Map(holder ? [[holder.stored.id, holder]] : []),
        slots: await this.#slotsOf(slots),
        on,
      },
    });
    // A reservation that is given back leaves a later version of the slot, so what is known to be in vain is not tried.
    const expected = change.on;
    if (there || (expected && (expected.user !== on.user || expected.everyone !== on.everyone))) return lost(there);
    for (const { before } of slots) {
      const id = before?.sessionId;
      if (id === undefined || id === session.id) continue;
      const held = (await this.#groups.readSoon(id, change.at)) ?? (await this.#groups.forbid(id));
      // It was created meanwhile.
      if (held && !endOf(held.stored, held.epochEnd, change.at)) return lost();
    }
    const keys = session.aliases.map(aliasKey);
    while (keys.length > 0) {
      const reply = await this.#home.writes.run(reserveAliases, [
        session.id,
        String(aliasesFor(session, change.at)),
        ...keys,
      ]);
      const [key, id] = reply as [string?, SessionId?];
      if (key === undefined) break;
      const holder = await this.#groups.readSoon(id!, change.at, () => this.#leadsTo(key, id!));
      if (holder) return lost(holder);
      if (!(await this.#leadsTo(key, id!))) continue;
      const made = await this.#groups.forbid(id!);
      if (made) return lost(made);
      await this.#home.writes.run(freeAliases, [id!, key]);
    }
    if (slots.length === 0) return undefined;
    const outcome = await this.#home.store.engine.commit({ at: change.at, rows: slots });
    if (outcome.kind === 'committed') return undefined;
    if (keys.length > 0) await this.#home.writes.run(freeAliases, [session.id, ...keys]);
    return lost();
  }

  async #leadsTo(key: string, id: SessionId): Promise<boolean> {
    return (await this.#home.link.read(key))[0] === id;
  }

  /** Gives back what was reserved for a session that was not created. */
  async #release(session: StoredSession, slots: readonly SlotRow[]): Promise<void> {
    // It may exist, from an earlier try.
    if (await this.#group.store.engine.readSession(session.id)) return;
    const keys = session.aliases.map(aliasKey);
    if (keys.length > 0) await this.#home.writes.run(freeAliases, [session.id, ...keys]);
    for (const { before, after } of slots) {
      await this.#changeSlot(after!.name, (slot) => {
        if (slot.sessionId !== session.id) return undefined;
        // Somebody may keep it by now.
        const stays = before ?? (slot.kept ? { sessionId: undefined } : undefined);
        return { after: stays && { ...slot, sessionId: stays.sessionId, version: slot.version + 1 } };
      });
    }
  }

  /** Removes the slot of a session that has ended, unless somebody keeps it by now. */
  async #free(seen: NamedSession): Promise<void> {
    await this.#changeSlot(seen.name, (slot) =>
      slot.sessionId === seen.sessionId && !slot.kept ? { after: undefined } : undefined,
    );
  }

  async #changeSlot(
    name: SessionName,
    change: (slot: NamedSession) => { after: NamedSession | undefined } | undefined,
  ): Promise<void> {
    for (;;) {
      const before = await this.#home.store.readNamed(name);
      const wanted = before && change(before);
      if (!wanted) return;
      const row: RowChange = { table: 'slots', before, after: wanted.after };
      const outcome = await this.#home.store.engine.commit({ at: before.updatedAt, rows: [row] });
      if (outcome.kind === 'committed') return;
    }
  }

  async #slotsOf(rows: readonly SlotRow[]): Promise<Found['slots']> {
    const names = new Set(rows.map(({ before, after }) => (before ?? after)!.name));
    const found = await Promise.all([...names].map((name) => this.#home.store.readNamed(name)));
    return new Map(found.flatMap((slot) => (slot ? [[slot.name, slot]] : [])));
  }
}

const nothing: Pick<Found, 'accounts' | 'keys'> = { accounts: new Map(), keys: new Map() };
