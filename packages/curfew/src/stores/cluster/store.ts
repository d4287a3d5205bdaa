import type { SessionName, UserId } from '../../domain/brand.ts';
import { hour, minute } from '../../domain/limits.ts';
import { isCurfewError } from '../../errors.ts';
import { endEveryone, endSessionsOfUser } from '../../rules/end-all.ts';
import { type Ruled, rulesOver } from '../../rules/index.ts';
import { Turns } from '../../rules/turns.ts';
import {
  type EndOutcome,
  type EpochOutcome,
  PartlySwept,
  PartlyTouched,
  type SessionSnapshot,
  type Store,
  type SweepOutcome,
  type SweepTask,
} from '../contract.ts';
import { separator } from '../redis/codec.ts';
import { homeOf } from '../redis/keys.ts';
import type { Link } from '../redis/link.ts';
import type { Part } from '../redis/part.ts';
import { readerOf } from '../redis/reader.ts';
import type { RedisStore } from '../redis/store.ts';
import { GroupEngine } from './group-engine.ts';
import { Groups } from './groups.ts';
import { HomeEngine } from './home-engine.ts';
import { Incarnations } from './incarnations.ts';
import { listAll } from './lists.ts';
import { forget, once } from './once.ts';
import { Outbox } from './outbox.ts';
import { forgetFreed, forgetNumbers, freeAliases, readEpochs, readFreed } from './scripts.ts';
import { exportAll, importAll } from './transfer.ts';
import { UnheldSlots } from './unheld.ts';

/** Milliseconds for which a group keeps events after they were taken over. */
const eventsInGroup: number = hour;

const freedAtOnce = 100;

/** The operations of the contract that the home answers alone. */
const ofHome = [
  'listAccounts',
  'readKey',
  'touchKeys',
  'listKeys',
  'readNamed',
  'listNamed',
  'takeAttempt',
  'failAttempt',
  'clearAttempts',
  'readLog',
  'removeNode',
  'watchLog',
  'keyFingerprint',
  'keepKeyFingerprint',
  'ping',
  'tryWriting',
] as const satisfies readonly (keyof RedisStore)[];

/** The same, for what rules decide. */
const ruledByHome = [
  'appendEvent',
  'createAccount',
  'changeAccount',
  'createKey',
  'revokeKey',
  'createNamed',
  'changeNamed',
  'removeNamed',
] as const satisfies readonly (keyof Ruled)[];

/** What the home answers, with the incarnation of all parts. */
const ofAll = ['renewNode', 'listNodes', 'confirmIncarnation'] as const satisfies readonly (keyof Store)[];

type Other = (typeof ofHome)[number] | (typeof ruledByHome)[number] | (typeof ofAll)[number];

/** Which server a part is on. */
async function serverOf(link: Link): Promise<string | undefined> {
  return /run_id:(\w+)/.exec(String(await link.command('INFO', 'server')))?.[1];
}

/** What a part answers; `undefined` if it is out of reach. */
async function inReach<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isCurfewError(error, 'store_unavailable')) return undefined;
    throw error;
  }
}

function picked<Whole extends object, Name extends keyof Whole>(
  whole: Whole,
  names: readonly Name[],
): Pick<Whole, Name> {
  return Object.fromEntries(names.map((name) => [name, whole[name]])) as Pick<Whole, Name>;
}

/**
 * A store that is spread over the slots of a Redis Cluster: each group of users has a store in a slot of its own. What
 * belongs to no user is in the home, another such store; so are the log, which takes over those of the groups, the names
 * and the aliases.
 */
export class ClusterStore implements Omit<Store, Other> {
  readonly kind = 'redis';
  readonly #home: Part;
  readonly #groups: Groups;
  readonly #outbox: Outbox;
  readonly #incarnations: Incarnations;
  readonly #homeEngine: HomeEngine;
  readonly #homeRules: Ruled;
  readonly #engines: readonly GroupEngine[];
  readonly #readEpochs: readonly ReturnType<typeof readerOf>[];
  readonly #rules: readonly Ruled[];
  readonly #unheld: UnheldSlots;
  readonly #names: Turns<SessionName> = new Turns();
  /** When it has last looked which aliases a group has freed: another server may have stopped before it did. */
  readonly #lookedForFreed: number[];
  /** Why the last sweep of a group has failed. */
  readonly #unswept: unknown[] = [];

  constructor(home: Part, all: readonly Part[]) {
    this.#home = home;
    this.#groups = new Groups(all);
    this.#outbox = new Outbox(home, all);
    this.#lookedForFreed = all.map(() => Number.NEGATIVE_INFINITY);
    this.#incarnations = new Incarnations(home, all);
    this.#homeEngine = new HomeEngine(home, this.#groups, this.#outbox, {
      user: async (key, userId, end, condition) => {
        const group = this.#groups.ofUser(userId);
        const engine = once(all[group]!, this.#engines[group]!, key);
        return this.#announced(group, await endSessionsOfUser(engine, userId, end, condition));
      },
      everyone: (key, end) =>
        Promise.allSettled(all.map((group, i) => endEveryone(once(group, this.#engines[i]!, key), end))),
      forget: async (key, userId) => {
        const some = userId === undefined ? all : [all[this.#groups.ofUser(userId)]!];
        // What remains there is small, and does nothing.
        await Promise.allSettled(some.map((group) => forget(group, key)));
      },
    });
    this.#homeRules = rulesOver(this.#homeEngine);
    this.#engines = all.map(
      (group, i) => new GroupEngine(home, group, this.#groups, this.#homeEngine, () => this.#outbox.takeOver(i)),
    );
    this.#readEpochs = all.map(({ link }) => readerOf(link, readEpochs));
    this.#rules = this.#engines.map((engine) => rulesOver(engine));
    this.#unheld = new UnheldSlots(home, this.#groups);
  }

  /** Comes before everything else. @throws if a group was never in reach */
  begin(): Promise<void> {
    return this.#incarnations.begin();
  }

  /** What is not done here. */
  get others(): Pick<Store, Other> {
    return {
      ...picked(this.#home.store, ofHome),
      ...picked(this.#homeRules, ruledByHome),
      ...picked(this.#incarnations, ofAll),
    };
  }

  // ---- Sessions

  createSession: Store['createSession'] = async (creation) => {
    const { userId, name } = creation.session;
    const group = this.#groups.ofUser(userId);
    const create = () => this.#rules[group]!.createSession(creation);
    // A name is reserved in several steps: those that want one name would wait for each other again and again.
    const made = await (name === undefined ? create() : this.#names.take(name, create));
    if (made.kind !== 'created') return made;
    this.#outbox.soon(group);
    // If it was made by an earlier try, it may have ended since.
    const { stored: session } = await this.#outbox.translate(group, { stored: made.session, epochEnd: undefined });
    const outcome = { ...made, session };
    if (outcome.sequence === undefined) return outcome;
    return { ...outcome, sequence: await this.#outbox.announce(group, outcome.sequence) };
  };

  readSession: Store['readSession'] = async (id) => {
    const group = this.#groups.ofSession(id);
    if (group === undefined) return undefined;
    return this.#outbox.translate(group, await this.#groups.all[group]!.store.readSession(id));
  };

  readNamedSession: Store['readNamedSession'] = async (name) => {
    const { held } = await this.#homeEngine.readSlot(name);
    return held && this.#translate(held);
  };

  readSessionByAlias: Store['readSessionByAlias'] = async (alias) => {
    const id = await this.#home.store.engine.idOfAlias(alias);
    return id && this.readSession(id);
  };

  touchSessions: Store['touchSessions'] = async (activities) => {
    const byGroup = Map.groupBy(activities, ({ id }) => this.#groups.ofSession(id));
    const failed = new Map<number | undefined, unknown>();
    const touch = async (group: number, some: Parameters<Store['touchSessions']>[0]) => {
      await this.#groups.all[group]!.store.touchSessions(some).catch((fault) => failed.set(group, fault));
    };
    await Promise.all([...byGroup].map(([group, some]) => group !== undefined && touch(group, some)));
    const [fault] = failed.values();
    if (failed.size > 0) throw new PartlyTouched(fault, (id) => failed.has(this.#groups.ofSession(id)));
  };

  changeSession: Store['changeSession'] = async (change) => {
    const group = this.#groups.ofSession(change.id);
    if (group === undefined) return { kind: 'not_found' };
    const outcome = await this.#rules[group]!.changeSession(change);
    if (outcome.kind !== 'changed') return outcome;
    this.#outbox.soon(group);
    if (outcome.sequence === undefined) return outcome;
    return { ...outcome, sequence: await this.#outbox.announce(group, outcome.sequence) };
  };

  endSession: Store['endSession'] = async (id, end, { userId, seen } = {}): Promise<EndOutcome> => {
    const group = this.#groups.ofSession(id);
    if (group === undefined) return { kind: 'not_found' };
    // The number of an end that was seen is one of the home's log.
    const outcome = await this.#rules[group]!.endSession(id, end, { userId, seen: seen?.end ? undefined : seen });
    if (outcome.kind === 'not_found') return outcome;
    const sequence = await this.#outbox.announce(group, outcome.end.sequence);
    const { session } = outcome;
    return {
      ...outcome,
      session: session.end ? { ...session, end: { ...session.end, sequence } } : session,
      end: { ...outcome.end, sequence },
    };
  };

  endSessionsOfUser: Store['endSessionsOfUser'] = async (userId, end, condition) => {
    const group = this.#groups.ofUser(userId);
    return this.#announced(group, await this.#rules[group]!.endSessionsOfUser(userId, end, condition));
  };

  endEveryone: Store['endEveryone'] = (end, name) => this.#homeEngine.endEveryone(end, name);

  changeGroups: Store['changeGroups'] = async (change) => {
    const group = this.#groups.ofUser(change.userId);
    const outcome = await this.#rules[group]!.changeGroups(change);
    if (outcome.kind !== 'changed') return outcome;
    const sequence = await this.#outbox.announce(group, outcome.sequence);
    // Nothing was changed: the call that changed it before has written one of the entries that are there.
    return { ...outcome, sequence: outcome.updated === 0 ? (await this.#home.store.logHead()).sequence : sequence };
  };

  listSessions: Store['listSessions'] = async (query) => {
    const { userId } = query.filter;
    const some = userId === undefined ? this.#groups.all : [this.#groups.all[this.#groups.ofUser(userId)]!];
    const page = await listAll(
      some.map(({ store }) => store),
      query,
    );
    return { ...page, sessions: await Promise.all(page.sessions.map((one) => this.#translate(one))) };
  };

  countActive: Store['countActive'] = async (now, userId) => {
    if (userId !== undefined) return this.#groups.all[this.#groups.ofUser(userId)]!.store.countActive(now, userId);
    const counts = await Promise.all(this.#groups.all.map(({ store }) => store.countActive(now)));
    return counts.reduce((sum, count) => sum + count, 0);
  };

  // ---- Users

  readUser: Store['readUser'] = async (userId) => {
    // In this order: the epochs of an account that is disabled move after that, and a creation checks them.
    const reply = await this.#readEpochs[this.#groups.ofUser(userId)]!([homeOf(userId), userId]);
    const [everyone, user] = reply as [number, number];
    const account = await this.#home.store.engine.readAccount(userId);
    return { account, epochs: { user, everyone } };
  };

  findAccount: Store['findAccount'] = async (by) => {
    const found = await this.#home.store.findAccount(by);
    if (!found) return undefined;
    const { account, epochs } = await this.readUser(found.account.id as string as UserId);
    const isSame = 'username' in by ? account?.username === by.username : account?.email === by.email;
    return account && isSame ? { account, epochs } : undefined;
  };

  deleteAccount: Store['deleteAccount'] = async (deletion) => {
    const outcome = await this.#homeRules.deleteAccount(deletion);
    if (outcome.kind !== 'not_found') return outcome;
    const sequence = await this.#homeEngine.finishFor(deletion.id);
    return sequence === undefined ? outcome : { ...outcome, sequence };
  };

  // ---- Events and log

  logHead: Store['logHead'] = async (userId) => {
    if (userId !== undefined) await this.#outbox.takeOver(this.#groups.ofUser(userId));
    return this.#incarnations.logHead();
  };

  readEvents: Store['readEvents'] = async (query) => {
    await this.#outbox.takeOverAll();
    return this.#home.store.readEvents(query);
  };

  // ---- Upkeep

  sweep: Store['sweep'] = async (task): Promise<SweepOutcome> => {
    const { keepEvents } = task;
    const ofGroup: SweepTask = { ...task, keepEvents: Math.min(keepEvents, eventsInGroup) };
    const swept = await Promise.allSettled(this.#rules.map((_, group) => this.#sweepGroup(group, ofGroup)));
    const home = await this.#homeRules.sweep(task);
    await this.#home.link.run(forgetNumbers, [String(this.#groups.all.length)]);
    await this.#unheld.sweep(task.now);
    const [others] = await Promise.allSettled([this.#homeEngine.finishOthers()]);
    const done = swept.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const sum = (of: (outcome: SweepOutcome) => number) => [...done, home].reduce((total, one) => total + of(one), 0);
    const left = others.status === 'fulfilled' && others.value;
    const outcome = {
      expired: sum(({ expired }) => expired),
      endsWritten: sum(({ endsWritten }) => endsWritten),
      forgotten: sum(({ forgotten }) => forgotten),
      more: left || [...done, home].some(({ more }) => more),
    };
    // A group that is out of reach does not keep the others from being swept.
    const failed = [...swept, others].find((one) => one.status === 'rejected');
    if (failed) throw new PartlySwept(failed.reason, outcome);
    return outcome;
  };

  exportRecords: Store['exportRecords'] = (options) => exportAll(this.#home, this.#groups.all, this.#outbox, options);

  importRecords: Store['importRecords'] = (records, fingerprint) =>
    importAll(this.#home, this.#groups, records, fingerprint);

  latestTime: Store['latestTime'] = async () => {
    const ofGroups = this.#groups.all.map(({ store }) => inReach(store.latestTime()));
    const times = await Promise.all([this.#home.store.latestTime(), ...ofGroups]);
    return Math.max(...times.map((time) => time ?? 0));
  };

  mendTime: Store['mendTime'] = async (now) => {
    await Promise.all([this.#home, ...this.#groups.all].map(({ store }) => store.mendTime(now)));
  };

  describe: Store['describe'] = async () => {
    const of = async ({ store, link }: Part) => ({ ...(await store.describe()), server: await serverOf(link) });
    const [home, ...all] = await Promise.all([of(this.#home), ...this.#groups.all.map((group) => inReach(of(group)))]);
    const groups = all.filter((one) => one !== undefined);
    // Several of them may be on one server, whose memory counts once.
    const bytes = new Map([home, ...groups].map((one) => [one.server, one.bytes]));
    const sum = (fact: string) => groups.reduce((total, { facts }) => total + Number(facts[fact]), 0);
    const { server: _, ...ofHome } = home;
    const away = all.length - groups.length;
    const warning = `${away} of ${all.length} groups cannot be reached, so their users wait, and no number here counts them; bring back the primaries of their slots`;
    return {
      ...ofHome,
      bytes: [...bytes.values()].reduce((sum, one) => sum + one, 0),
      facts: {
        ...home.facts,
        groups: all.length,
        liveSessions: sum('liveSessions'),
        endedSessions: sum('endedSessions'),
      },
      warnings: [...(away > 0 ? [warning] : []), ...new Set([home, ...groups].flatMap(({ warnings }) => warnings))],
    };
  };

  close: Store['close'] = async () => {
    await this.#outbox.flush();
    await Promise.all([this.#home, ...this.#groups.all].map(({ store }) => store.close()));
  };

  async #announced(group: number, outcome: EpochOutcome): Promise<EpochOutcome> {
    if (outcome.kind !== 'ended') return outcome;
    const sequence = await this.#outbox.announce(group, outcome.sequence);
    // It was made before: its entry is one of those that are there.
    return { ...outcome, sequence: sequence === 0 ? await this.#homeEngine.head() : sequence };
  }

  async #sweepGroup(group: number, task: SweepTask): Promise<SweepOutcome> {
    const before = this.#unswept[group];
    // It comes back by itself: the other groups, which may have much to do, do not wait for that again and again.
    if (before !== undefined && !this.#groups.all[group]!.link.isReady) throw before;
    this.#unswept[group] = undefined;
    try {
      const outcome = await this.#rules[group]!.sweep(task);
      const isTime = performance.now() - this.#lookedForFreed[group]! >= minute;
      const freed = (outcome.forgotten > 0 || isTime) && (await this.#freeAliases(group));
      return { ...outcome, more: outcome.more || freed };
    } catch (fault) {
      this.#unswept[group] = fault;
      throw fault;
    }
  }

  /** Frees the aliases of sessions that a group has forgotten. Returns whether there may be more. */
  async #freeAliases(group: number): Promise<boolean> {
    const { link } = this.#groups.all[group]!;
    const began = performance.now();
    const freed = (await link.run(readFreed, [String(freedAtOnce)])) as string[];
    const pairs = freed.map((text) => text.split(separator) as [alias: string, id: string]);
    await Promise.all(pairs.map(([alias, id]) => this.#home.writes.run(freeAliases, [id, alias])));
    if (freed.length > 0) await link.run(forgetFreed, freed);
    const more = freed.length === freedAtOnce;
    if (!more) this.#lookedForFreed[group] = began;
    return more;
  }

  /** A session as its group has it, with the numbers of the home's log. */
  #translate(snapshot: SessionSnapshot): Promise<SessionSnapshot> {
    return this.#outbox.translate(this.#groups.ofSession(snapshot.stored.id)!, snapshot);
  }
}
