import { randomUUID } from 'node:crypto';
import type { SessionId, UserId } from '../../domain/brand.ts';
import { type NewEvent, storeEvents } from '../../domain/events.ts';
import type { End } from '../../domain/reasons.ts';
import { endOf } from '../../domain/session.ts';
import { CurfewError, isCurfewError } from '../../errors.ts';
import type { Change, Committed, Engine, Outcome } from '../commit.ts';
import type { EpochOutcome, LogScope, SessionSnapshot } from '../contract.ts';
import type { Part } from '../redis/part.ts';
import type { Groups } from './groups.ts';
import type { Outbox } from './outbox.ts';
import { endingBegins, endingDone, everyoneEnded, readEndings, unwritten } from './scripts.ts';
import { uncertain } from './uncertain.ts';

/** Milliseconds after which another server completes what one has begun. */
const patience = 10_000;
/** How many a sweep completes in each group. */
const atOnce = 50;

/** What is to be done in the groups: sessions end, all or all but one. The events of the change follow. */
type Ending = {
  /** Names it: each call has its own, unless it goes on with what another one has begun. */
  key: string;
  /** Absent: everyone's. */
  userId?: UserId;
  end: End;
  except?: SessionId;
  events: readonly NewEvent[];
  /** Whether the home's log has told of it before all of it was done. */
  told?: boolean;
};

/** What stands under the key of an ending. */
type Found = [key: string, text: string | null];

type Ended = { sequence: number; ended: number };

type Steps = {
  /** Ends a user's sessions, once under this key. Returns the number of that in the home's log. */
  user(key: string, userId: UserId, end: End, condition: { except?: SessionId | undefined }): Promise<EpochOutcome>;
  /** Ends everybody's sessions, once under this key. Returns, for each group, the number of that in the group's log. */
  everyone(key: string, end: End): Promise<PromiseSettledResult<Ended>[]>;
  /** The key is used no more. */
  forget(key: string, userId: UserId | undefined): Promise<void>;
};

/**
 * The engine of what belongs to no user's group: accounts, keys, names, the log and the events. The sessions of an account
 * that changes are in another slot, so their end is written down together with the change, and comes right after it; if a
 * server stops in between, the next sweep brings it. So does an end of everyone's sessions, which are in all groups.
 */
export class HomeEngine implements Engine {
  readonly #home: Part;
  readonly #groups: Groups;
  readonly #outbox: Outbox;
  readonly #steps: Steps;

  constructor(home: Part, groups: Groups, outbox: Outbox, steps: Steps) {
    this.#home = home;
    this.#groups = groups;
    this.#outbox = outbox;
    this.#steps = steps;
  }

  async commit(change: Change): Promise<Outcome> {
    const { rows = [], step, at, urgent = false, events = [] } = change;
    for (const row of rows) {
      // A name may be reserved for a session that is just being created: not in a slot that is removed or stopped.
      if (row.table !== 'slots' || row.after?.started || row.before?.sessionId === undefined) continue;
      const held = await this.#groups.forbid(row.before.sessionId);
      if (!row.after && held && !endOf(held.stored, held.epochEnd, at)) return conflict([]);
    }
    // What this process has told before comes before it.
    if (events.length > 0) await this.#outbox.flush();
    if (step?.userId === undefined) return this.#home.store.engine.commit(change);
    const others = rows.filter(({ table }) => table !== 'sessions');
    const [spared] = rows.flatMap((row) => (row.table === 'sessions' ? [row.after.id] : []));
    const { userId, end } = step;
    const ending = { ...endingOf(end, events), userId, ...(spared && { except: spared }) };
    const connection = this.#outbox.connection;
    const outcome = await this.#begin({ at, rows: others, urgent }, ending);
    if (outcome.kind === 'conflict') {
      const { sessions } = conflict([spared && (await this.#groups.read(spared))]).found;
      return { ...outcome, found: { ...outcome.found, sessions } };
    }
    const { sequence, ended } = await uncertain(this.#finish(ending, connection));
    return { kind: 'committed', sequences: [sequence], ended };
  }

  async endEveryone(end: End, name?: string): Promise<Ended> {
    await this.#outbox.flush();
    const ending = endingOf(end, [], name);
    const connection = this.#outbox.connection;
    const begun = name === undefined ? undefined : await this.#begun(ending.key);
    if (begun) return uncertain(this.#finish(begun, connection));
    // It depends on nothing but itself, which a sweep that came by long ago may have removed, or another call has begun.
    const { kind } = await this.#begin({ at: end.at, urgent: true }, ending);
    return kind === 'conflict' ? this.endEveryone(end, name) : uncertain(this.#finish(ending, connection));
  }

  readSession: Engine['readSession'] = (id) => this.#groups.read(id);
  readSessionsOf: Engine['readSessionsOf'] = (userId, page) => this.#home.store.engine.readSessionsOf(userId, page);
  readAccount: Engine['readAccount'] = (id) => this.#home.store.engine.readAccount(id);
  readKey: Engine['readKey'] = (id) => this.#home.store.engine.readKey(id);
  head: Engine['head'] = () => this.#home.store.engine.head();
  durable: NonNullable<Engine['durable']> = () => this.#home.store.engine.durable();
  scanPassed: Engine['scanPassed'] = (most) => this.#home.store.engine.scanPassed(most);
  scanDue: Engine['scanDue'] = (now, most) => this.#home.store.engine.scanDue(now, most);
  forget: Engine['forget'] = (task) => this.#home.store.engine.forget(task);

  readSlot: Engine['readSlot'] = async (name) => {
    for (;;) {
      const slot = await this.#home.store.readNamed(name);
      const held = slot?.sessionId && (await this.#groups.read(slot.sessionId));
      // They are in two slots of the Cluster, and must be of one moment.
      const again = held && (await this.#home.store.readNamed(name));
      if (!held || (again && again.version === slot.version && again.sessionId === slot.sessionId))
        return { slot, held: held || undefined };
    }
  };

  /** Completes what other servers have left. Returns whether there was anything. */
  async finishOthers(): Promise<boolean> {
    const connection = this.#outbox.connection;
    const reply = await this.#home.link.run(readEndings, [String(patience)]);
    const found = reply as Found[];
    const byPlace = Map.groupBy(found, ({ 1: text }) => this.#placeOf(text));
    // One whose group is out of reach keeps no other waiting.
    const tried = [...byPlace.values()].map((some) => this.#finishEach(some.slice(0, atOnce), connection));
    const done = await Promise.allSettled(tried);
    const failed = done.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
    return found.length > 0;
  }

  /**
   * Completes what has been begun for a user, however short ago. Returns the number of that in the home's log; `undefined` if
   * there was nothing.
   */
  async finishFor(userId: UserId): Promise<number | undefined> {
    const connection = this.#outbox.connection;
    const found = (await this.#home.link.run(readEndings, ['0'])) as Found[];
    let sequence: number | undefined;
    for (const [, text] of found) {
      const ending = endingIn(text);
      if (ending?.userId === userId) ({ sequence } = await uncertain(this.#finish(ending, connection)));
    }
    return sequence;
  }

  /** Where something is to be done: in one group, in all of them, or nowhere. */
  #placeOf(text: string | null): number | 'all' | 'none' {
    const ending = endingIn(text);
    if (!ending) return 'none';
    return ending.userId === undefined ? 'all' : this.#groups.ofUser(ending.userId);
  }

  /** Completes what is to be done in one place, oldest first. While that is out of reach, one try is enough. */
  async #finishEach(some: readonly Found[], connection: number): Promise<void> {
    const failures: unknown[] = [];
    for (const [key, text] of some) {
      try {
        const ending = endingIn(text);
        if (ending) await this.#finish(ending, connection);
        else await this.#home.writes.run(endingDone, [key]);
      } catch (error) {
        failures.push(error);
        if (isCurfewError(error, 'store_unavailable', 'outcome_unknown')) break;
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** What is still to be done under a key. */
  async #begun(key: string): Promise<Ending | undefined> {
    const [text] = await this.#home.link.read(key);
    return endingIn(text!);
  }

  /** A change with what is to be done after it. */
  async #begin(change: Change, ending: Ending): Promise<Outcome> {
    const { key } = ending;
    await this.#home.writes.run(endingBegins, [key]);
    const written = { key, stands: unwritten, row: JSON.stringify(ending) };
    const outcome = await this.#home.store.engine.commit(change, [written]);
    if (outcome.kind === 'conflict') await this.#home.writes.run(endingDone, [key]);
    return outcome;
  }

  /**
   * The last change, with which all is done. Another server may have made it too; then only its entry is written again. But
   * if the home may have become another server since `connection`, it may have lost what was begun.
   */
  async #done(change: Change, { key }: Ending, connection: number): Promise<Committed> {
    const engine = this.#home.store.engine;
    let outcome = await engine.commit(change, [{ key, stands: '{', row: '' }]);
    if (outcome.kind === 'conflict') {
      if (connection !== this.#outbox.connection) throw new CurfewError('outcome_unknown', { detail: perhapsLost });
      outcome = await engine.commit({ ...change, events: [] });
    }
    await this.#home.writes.run(endingDone, [key]);
    if (outcome.kind === 'conflict') throw new Error('Nothing can conflict with it.');
    return outcome;
  }

  /** `connection`: that by which it was begun, or found. */
  async #finish(ending: Ending, connection: number): Promise<Ended> {
    const { key, userId, end, events } = ending;
    const { at } = end;
    if (userId === undefined) {
      const tried = await this.#steps.everyone(key, end);
      const steps = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const failed = tried.find((one) => one.status === 'rejected');
      if (failed) {
        // What has ended so far is known everywhere, however long a group is out of reach.
        const isNew = steps.some((step) => step.sequence > 0);
        if (isNew || !ending.told) await this.#tell(ending, { all: true });
        throw failed.reason;
      }
      const ended = steps.reduce((sum, step) => sum + step.ended, 0);
      const told = [storeEvents.everyoneEnded(end, ended)];
      const { sequences } = await this.#done(
        { at, urgent: true, log: [{ all: true }], events: told },
        ending,
        connection,
      );
      const numbers = [sequences[0]!, ...steps.map(({ sequence }) => sequence)];
      await this.#home.writes.run(everyoneEnded, numbers.map(String));
      await this.#steps.forget(key, userId);
      return { sequence: sequences[0]!, ended };
    }
    const outcome = await this.#endUser(ending, userId);
    await this.#done({ at, urgent: true, events }, ending, connection);
    await this.#steps.forget(key, userId);
    return outcome;
  }

  async #endUser(ending: Ending, userId: UserId): Promise<Ended> {
    const { key, end, except } = ending;
    try {
      const spared = except && (await this.#steps.user(key, userId, end, { except }));
      // If the session that is spared has itself just ended, all of them end.
      const outcome = spared && spared.kind === 'ended' ? spared : await this.#steps.user(key, userId, end, {});
      if (outcome.kind !== 'ended') throw new Error('Ending all of a user’s sessions needs no session.');
      return outcome;
    } catch (error) {
      if (!ending.told) await this.#tell(ending, { userId });
      throw error;
    }
  }

  /**
   * Caches forget the sessions that are still to be ended, and cannot ask for them again while their group is out of reach.
   * It is noted with the ending, since a sweep tries that again and again.
   */
  async #tell(ending: Ending, scope: LogScope): Promise<void> {
    const row = JSON.stringify({ ...ending, told: true });
    const change = { at: ending.end.at, urgent: true, log: [scope] };
    await this.#home.store.engine.commit(change, [{ key: ending.key, stands: '{', row }]);
  }
}

const perhapsLost =
  'Another connection to Redis was made meanwhile, perhaps to a server that lacks the beginning of the change.';

function endingOf(end: End, events: readonly NewEvent[], name: string = randomUUID()): Ending {
  return { key: `ending:${name}`, end, events };
}

/** What is to be done, as it stands under its key; `undefined` if nothing is, or its change is not committed. */
function endingIn(text: string | null): Ending | undefined {
  return text === null || text === unwritten ? undefined : (JSON.parse(text) as Ending);
}

/** A conflict that has found these sessions, and nothing else that matters. */
function conflict(sessions: readonly (SessionSnapshot | undefined)[]): Extract<Outcome, { kind: 'conflict' }> {
  return {
    kind: 'conflict',
    found: {
      sessions: new Map(sessions.flatMap((one) => (one ? [[one.stored.id, one]] : []))),
      slots: new Map(),
      accounts: new Map(),
      keys: new Map(),
      on: undefined,
    },
  };
}
