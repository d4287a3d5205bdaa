import { ErrorReply } from '@redis/client';
import type { Account } from '../../domain/account.ts';
import type { Alias } from '../../domain/alias.ts';
import type { AccountId, KeyId, SessionId, SessionName, UserId } from '../../domain/brand.ts';
import type { ApiKey } from '../../domain/key.ts';
import type { NamedSession } from '../../domain/named.ts';
import type { StoredSession } from '../../domain/session.ts';
import { CurfewError } from '../../errors.ts';
import { Batcher } from '../batcher.ts';
import type { Change, Engine, Found, Outcome, Scan, SessionsOfUser } from '../commit.ts';
import type { SessionSnapshot, SweepTask } from '../contract.ts';
import { readKey } from './accounts.ts';
import { Call, inOrder, type Layout, type Plain } from './changes.ts';
import * as codec from './codec.ts';
import type { DurableWrites } from './durable.ts';
import { commandFault } from './faults.ts';
import { aliasKey, homeOf, homeOfSession } from './keys.ts';
import type { Link, Reply } from './link.ts';
import { readerOf } from './reader.ts';
import { readAccounts } from './scripts/accounts.ts';
import { commit, commitWhenFull, readSessionsOf, readSlots } from './scripts/commit.ts';
import { dropAlias, readSessions } from './scripts/sessions.ts';
import { counters, tryWriting } from './scripts/streams.ts';
import { decodeSnapshot } from './snapshot.ts';
import { type PartOptions, Sweeper } from './sweep.ts';

/** The most changes of a sweep, which also move a session among the lists. */
const upkeepBatch = 32;

/** The beginning of keys that belong to no user. */
const nobody = '';

type Asked = { change: Change; also: readonly Plain[] };

/** The engine on one Redis: what each operation means is defined in `commit.ts`. */
export class RedisEngine implements Engine {
  readonly #link: Link;
  readonly #writes: DurableWrites;
  readonly #layout: Layout;
  readonly #commits: Batcher<Asked, Reply>;
  readonly #upkeep: Batcher<Asked, Reply>;
  readonly #readSession: ReturnType<typeof readerOf>;
  readonly #readSessionsOf: ReturnType<typeof readerOf>;
  readonly #readSlot: ReturnType<typeof readerOf>;
  readonly #readAccount: ReturnType<typeof readerOf>;
  readonly #sweeper: Sweeper;

  constructor(link: Link, writes: DurableWrites, options: PartOptions = {}) {
    this.#layout = { prefix: link.key(''), hasAliases: options.role !== 'group' };
    this.#link = link;
    this.#writes = writes;
    this.#commits = new Batcher((asked) => this.#commitAll(asked), link.together);
    this.#upkeep = new Batcher((asked) => this.#commitAll(asked, true), { ...link.together, most: upkeepBatch });
    this.#readSession = readerOf(link, readSessions);
    this.#readSessionsOf = readerOf(link, readSessionsOf);
    this.#readSlot = readerOf(link, readSlots);
    this.#readAccount = readerOf(link, readAccounts);
    this.#sweeper = new Sweeper(link, options);
  }

  /** `also`: keys that the change depends on or writes besides its rows. */
  async commit(change: Change, also: readonly Plain[] = []): Promise<Outcome> {
    const reply = (await (change.upkeep ? this.#upkeep : this.#commits).run({ change, also })) as Reply[];
    const [first, ...rest] = reply;
    // Redis says so of a key of this change alone.
    if (first === 'failed' || first === 'damaged') throw commandFault(new ErrorReply(rest[0] as string), true);
    if (first === 'lost') return { kind: 'conflict', found: await this.#found(change, rest) };
    return { kind: 'committed', ended: first as number, sequences: rest.map(Number) };
  }

  async readSession(id: SessionId): Promise<SessionSnapshot | undefined> {
    const home = homeOfSession(id);
    const [row, mark] = await this.#link.read(`${home}s:${id}`, `${home}m`);
    if (!row) return undefined;
    // While no epoch has moved since its mark was written, none has ended it: see the mark in codec.ts.
    if (row.startsWith(`${mark ?? codec.firstEpochStamp}${codec.separator}`)) return decodeSnapshot(id, row);
    return decodeSnapshot(id, await this.#readSession([id]));
  }

  async readSessionByAlias(alias: Alias): Promise<SessionSnapshot | undefined> {
    const id = await this.idOfAlias(alias);
    return id && this.readSession(id);
  }

  /** The session that an alias leads to, whether it exists or not. */
  async idOfAlias(alias: Alias): Promise<SessionId | undefined> {
    const [id] = await this.#link.read(aliasKey(alias));
    return (id ?? undefined) as SessionId | undefined;
  }

  async readSessionsOf(
    userId: UserId,
    { after = '' as SessionId, limit }: Parameters<Engine['readSessionsOf']>[1],
  ): Promise<SessionsOfUser> {
    const question = [homeOf(userId), userId, after, String(limit)];
    let reply = await this.#readSessionsOf(question);
    while (reply === 'later') reply = await this.#readSessionsOf(question);
    const [everyone, user, revision, next, ...rows] = reply as [
      number,
      number,
      string | null,
      SessionId | null,
      ...string[],
    ];
    const sessions: StoredSession[] = [];
    for (let i = 0; i < rows.length; i += 2) sessions.push(codec.decodeSession(rows[i] as SessionId, rows[i + 1]!));
    const on = { userId, user, everyone, ...(revision !== null && { revision: codec.decodeRevision(revision) }) };
    return { on, sessions, next: next ?? undefined };
  }

  async readAccount(id: AccountId): Promise<Account | undefined> {
    const row = (await this.#readAccount([homeOf(id), id])) as string | null;
    return row === null ? undefined : codec.decodeAccount(row);
  }

  readKey(id: KeyId): Promise<ApiKey | undefined> {
    return readKey(this.#link, id);
  }

  async readSlot(name: SessionName): ReturnType<Engine['readSlot']> {
    const reply = await this.#readSlot([nobody, name]);
    const [row, id, snapshot = null] = reply as [string | null, SessionId?, Reply?];
    return {
      slot: row === null ? undefined : codec.decodeSlot(name, row),
      held: id === undefined ? undefined : decodeSnapshot(id, snapshot),
    };
  }

  async head(): Promise<number> {
    return ((await this.#link.run(counters, [])) as [number, number])[0];
  }

  /** What Redis shows is on its disk, unless it must be asked for that. */
  async durable(): Promise<void> {
    if (this.#writes.asks) await this.#writes.run(tryWriting, []);
  }

  /** The session that has an alias. A key without its session is dropped: it would be in the way for ever. */
  async #holderOf(key: string, id: SessionId): Promise<SessionSnapshot | undefined> {
    const holder = await this.readSession(id);
    if (!holder) await this.#link.run(dropAlias, [key, id], homeOfSession(id));
    return holder;
  }

  scanPassed(most: number): Promise<Scan> {
    return this.#sweeper.scanPassed(most);
  }

  scanDue(now: number, most: number): Promise<Scan> {
    return this.#sweeper.scanDue(now, most);
  }

  /** `events`: the number of the newest event that may be forgotten. */
  forget(task: SweepTask, events: number = Number.MAX_SAFE_INTEGER): ReturnType<Engine['forget']> {
    return this.#sweeper.forget(task, events);
  }

  async #commitAll(asked: readonly Asked[], upkeep = false): Promise<Reply[]> {
    const call = new Call(this.#layout);
    for (const { change, also } of asked) call.add(change, also);
    call.args[0] = String(call.strings.length);
    const keys = call.strings.concat(call.others);
    // What waits for the disk would keep a sweep waiting for it again and again.
    const reply = upkeep
      ? this.#link.run(commitWhenFull, call.args, '', keys)
      : this.#writes.run(commit, call.args, '', keys);
    return (await reply) as Reply[];
  }

  /** What was found instead: the epochs, then a reply for each row, in the order in which the script gets them. */
  async #found({ rows = [], on }: Change, [everyone, user, ...told]: readonly Reply[]): Promise<Found> {
    const found = {
      sessions: new Map<SessionId, SessionSnapshot>(),
      slots: new Map<SessionName, NamedSession>(),
      accounts: new Map<AccountId, Account>(),
      keys: new Map<KeyId, ApiKey>(),
      on: on && { userId: on.userId, user: Number(user), everyone: Number(everyone) },
    };
    for (const [i, { row, key, name }] of inOrder(rows, this.#layout).entries()) {
      const reply = told[i] ?? null;
      if (reply === null) continue;
      const text = reply as string;
      if (row.table === 'sessions' && name) {
        const holder = await this.#holderOf(key, text as SessionId);
        if (holder) found.sessions.set(text as SessionId, holder);
      } else if (row.table === 'sessions') {
        const snapshot = decodeSnapshot(row.after.id, reply);
        if (snapshot) found.sessions.set(row.after.id, snapshot);
      } else if (row.table === 'slots') {
        const slot = codec.decodeSlot((row.before ?? row.after)!.name, text);
        found.slots.set(slot.name, slot);
      } else if (row.table === 'keys') {
        const key = codec.decodeKey(text);
        found.keys.set(key.id, key);
      } else if (name === undefined) {
        const account = codec.decodeAccount(text);
        found.accounts.set(account.id, account);
      } else if (name.mustBeFree) {
        const id = text.split(codec.separator)[1] as AccountId;
        const holder = await this.readAccount(id);
        // A name without its account would be in the way for ever.
        if (!holder && id !== (row.before ?? row.after)!.id) {
          throw new CurfewError('store_damaged', {
            detail: `Redis has a name of the account ${id}, which does not exist.`,
          });
        }
        if (holder) found.accounts.set(id, holder);
      }
    }
    return found;
  }
}
