import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { SessionId } from '../../src/domain/brand.ts';
import { day } from '../../src/domain/limits.ts';
import { conformanceCases, type Harness, runCase } from '../../src/stores/conformance/index.ts';
import type { LogEntry, LogPosition, Store } from '../../src/stores/contract.ts';
import { lmdbHarness } from './harness.ts';

/*
 * Tests of the suite itself: stores that break one rule each, in ways in which real ones have been broken. The suite
 * must fail every one of them, in the case that states the rule.
 */
type Broken = { law: string; of(store: Store): Partial<Store> };

const broken: Record<string, Broken> = {
  'loses an entry of the log now and then': {
    law: 'R15: the log is dense',
    of: (store) => ({
      readLog: async (from, limit) => (await store.readLog(from, limit)).filter(({ sequence }) => sequence % 7 !== 0),
    }),
  },
  'shows a log entry before its change': {
    law: 'R15: a reader of an entry sees its change',
    of(store) {
      const early: LogEntry[] = [];
      return {
        endSession: async (id, end, condition) => {
          early.push({ sequence: early.length + 1, mark: id, at: end.at, sessionId: id });
          await new Promise(setImmediate);
          return store.endSession(id, end, condition);
        },
        readLog: async (from, limit) => early.filter(({ sequence }) => sequence >= from).slice(0, limit),
      };
    },
  },
  'revokes a key without an entry in the log': {
    law: 'R23: a revoked key has one entry in the log',
    of: (store) => ({
      readLog: async (from, limit) => (await store.readLog(from, limit)).filter((entry) => !('keyId' in entry)),
    }),
  },
  'returns a key from a cache that ignores revocations': {
    law: 'API keys are kept, listed newest first and revoked once',
    of(store) {
      const known = new Map<string, Awaited<ReturnType<Store['readKey']>>>();
      return {
        async readKey(id) {
          if (!known.has(id)) known.set(id, await store.readKey(id));
          return known.get(id);
        },
      };
    },
  },
  'ignores epochs when it reads a session': {
    law: 'R19: ending all sessions of a user',
    of: (store) => ({
      readSession: async (id) => {
        const found = await store.readSession(id);
        return found && { ...found, epochEnd: undefined };
      },
    }),
  },
  'creates from a credential that is out of date': {
    law: 'R19: a creation from a credential',
    of: (store) => ({ createSession: (creation) => store.createSession({ ...creation, epochs: 'current' }) }),
  },
  'checks the epochs first and writes later': {
    law: 'a creation concurrent with ending all sessions',
    of: (store) => ({
      createSession: async (creation) => {
        const { epochs } = await store.readUser(creation.session.userId);
        const moved = creation.epochs !== 'current' && creation.epochs.user !== epochs.user;
        return moved ? { kind: 'epoch_moved' } : store.createSession({ ...creation, epochs: 'current' });
      },
    }),
  },
  'ends a session anew when the call is repeated': {
    law: 'R18: ending again confirms the first end',
    of: (store) => ({
      endSession: async (id, end, condition) => {
        const outcome = await store.endSession(id, end, condition);
        if (outcome.kind !== 'already') return outcome;
        return { ...outcome, end: { ...end, sequence: (await store.logHead()).sequence } };
      },
    }),
  },
  'lets the second of two writers win': {
    law: 'CVE-2026-1035',
    of(store) {
      const changeSession: Store['changeSession'] = async (change) => {
        const outcome = await store.changeSession(change);
        if (outcome.kind !== 'conflict') return outcome;
        const { stored } = (await store.readSession(change.id))!;
        return changeSession({ ...change, version: stored.version });
      };
      return { changeSession };
    },
  },
  'gives an alias to a second session': {
    law: 'an alias that any session has is refused to every other',
    of: (store) => ({
      createSession: async (creation) => {
        const outcome = await store.createSession(creation);
        if (outcome.kind !== 'alias_taken') return outcome;
        return store.createSession({ ...creation, session: { ...creation.session, aliases: [] } });
      },
    }),
  },
  'checks aliases first and writes later': {
    law: 'of sixteen creations with one alias at the same moment one is made',
    of(store) {
      const held = new Map<string, SessionId>();
      return {
        createSession: async (creation) => {
          const { id, aliases } = creation.session;
          const names = aliases.map(({ kind, hash }) => `${kind} ${hash}`);
          const holder = names.map((one) => held.get(one)).find((one) => one !== undefined && one !== id);
          if (holder !== undefined) return { kind: 'alias_taken', holder };
          const outcome = await store.createSession({ ...creation, session: { ...creation.session, aliases: [] } });
          for (const one of names) held.set(one, id);
          return outcome;
        },
      };
    },
  },
  'keeps the aliases of deleted sessions': {
    law: 'an alias that any session has is refused to every other, until that session is deleted',
    of(store) {
      const held = new Map<string, SessionId>();
      return {
        createSession: async (creation) => {
          const { id, aliases } = creation.session;
          const names = aliases.map(({ kind, hash }) => `${kind} ${hash}`);
          const holder = names.map((one) => held.get(one)).find((one) => one !== undefined && one !== id);
          if (holder !== undefined) return { kind: 'alias_taken', holder };
          const outcome = await store.createSession(creation);
          if (outcome.kind === 'created') for (const one of names) held.set(one, id);
          return outcome;
        },
      };
    },
  },
  'changes groups one session at a time': {
    law: 'if one session would exceed the limit, none is changed',
    of: (store) => ({
      changeGroups: async (asked) => {
        const filter = { userId: asked.userId, status: 'active' as const };
        const page = await store.listSessions({ filter, limit: 100, now: asked.now, budget: 1000 });
        for (const { stored } of page.sessions.reverse()) await store.changeGroups({ ...asked, only: stored.id });
        return { kind: 'changed', updated: page.sessions.length, sequence: (await store.logHead()).sequence };
      },
    }),
  },
  'removes groups only from active sessions': {
    law: 'a change of groups reaches a suspended session',
    of: (store) => ({
      changeGroups: async (asked) => {
        const filter = { userId: asked.userId, status: 'active' as const };
        const page = await store.listSessions({ filter, limit: 1, now: asked.now, budget: 1000 });
        if (page.sessions.length > 0) return store.changeGroups(asked);
        return { kind: 'changed', updated: 0, sequence: (await store.logHead()).sequence };
      },
    }),
  },
  'paginates by offset': {
    law: 'a list is newest first, and its pages hold every session once',
    of(store) {
      let offset = 0;
      return {
        listSessions: async (query) => {
          const all = await store.listSessions({ ...query, after: undefined, limit: 10_000 });
          offset = query.after === undefined ? 0 : offset + query.limit;
          const sessions = all.sessions.slice(offset, offset + query.limit);
          const next = offset + query.limit < all.sessions.length ? sessions.at(-1)?.stored.id : undefined;
          return { sessions, next, partial: false };
        },
      };
    },
  },
  'accepts late activity': {
    law: 'activity extends the idle deadline, and is too late once that has passed',
    of(store) {
      const seen = new Map<string, number>();
      return {
        touchSessions: async (activities) => {
          for (const { id, at } of activities) seen.set(id, Math.max(at, seen.get(id) ?? 0));
        },
        readSession: async (id) => {
          const found = await store.readSession(id);
          const lastSeenAt = seen.get(id) ?? found?.stored.lastSeenAt ?? 0;
          return found && { ...found, stored: { ...found.stored, lastSeenAt } };
        },
      };
    },
  },
  'creates a session without its name if that is taken': {
    law: 'of concurrent creations with one name',
    of: (store) => ({
      createSession: async (creation) => {
        const outcome = await store.createSession(creation);
        if (outcome.kind !== 'name_taken') return outcome;
        return store.createSession({ ...creation, session: { ...creation.session, name: undefined } });
      },
    }),
  },
  'counts sessions first and creates later': {
    law: 'concurrent creations never exceed the limit',
    of: (store) => ({
      createSession: async ({ limit, ...creation }) => {
        const active = await store.countActive(creation.now, creation.session.userId);
        if (limit && active >= limit.max && limit.excess === 'refuse') return { kind: 'too_many', active };
        return store.createSession(creation);
      },
    }),
  },
  'counts sessions that deadlines have ended': {
    law: 'a list shows every status as of its moment',
    of: (store) => ({ countActive: (_now, userId) => store.countActive(0, userId) }),
  },
  "finds another user's session": {
    law: "another user's session is not found",
    of: (store) => ({ endSession: (id, end) => store.endSession(id, end) }),
  },
  'spares no session': {
    law: 'all but one: the excepted session',
    of: (store) => ({ endSessionsOfUser: (userId, end) => store.endSessionsOfUser(userId, end) }),
  },
  'hides that it is closed': {
    law: 'every call on a closed store fails as unavailable',
    of: (store) => ({ endSession: (...asked) => store.endSession(...asked).catch(() => ({ kind: 'not_found' })) }),
  },
  'ends sessions that were active meanwhile': {
    law: 'the sweep does not end a session that was active meanwhile',
    of: (store) => ({ sweep: (task) => store.sweep({ ...task, now: task.now + day }) }),
  },
  'records ends by epoch as its own': {
    law: 'the sweep records ends by epoch as they were',
    of: (store) => ({
      sweep: async (task) => {
        const stale = await store.listSessions({ filter: { status: 'ended' }, limit: 3, now: task.now, budget: 1000 });
        if (stale.sessions.length > 0) await store.appendEvent({ type: 'session.ended', at: task.now, by: 'policy' });
        return store.sweep(task);
      },
    }),
  },
  'forgets the sequence of an end': {
    law: 'R20: a tombstone keeps its sequence',
    of: (store) => ({
      readSession: async (id) => {
        const found = await store.readSession(id);
        if (!found?.stored.end) return found;
        return { ...found, stored: { ...found.stored, end: { ...found.stored.end, sequence: 0 } } };
      },
    }),
  },
  'ends a session without an event': {
    law: 'an end is recorded with its reason, its log entry and its event',
    of: (store) => ({
      readEvents: async (query) => {
        const page = await store.readEvents(query);
        return { ...page, events: page.events.filter(({ type }) => type !== 'session.ended') };
      },
    }),
  },
  'removes a slot whatever its version': {
    law: 'a slot is removed only as its reader has seen it',
    of: (store) => ({
      removeNamed: async (name, _version, event) =>
        store.removeNamed(name, (await store.readNamed(name))?.version ?? 1, event),
    }),
  },
  'checks before it counts an attempt': {
    law: 'as many attempts as the rule allows',
    of(store) {
      const taken = new Map<string, number>();
      return {
        takeAttempt: async (bucket, rule, now) => {
          const count = taken.get(bucket) ?? 0;
          await new Promise(setImmediate);
          if (count >= rule.max) {
            return { allowed: false, remaining: 0, resetAt: now + rule.window, open: 0, latest: now };
          }
          taken.set(bucket, count + 1);
          return store.takeAttempt(bucket, { ...rule, max: 1e9 }, now);
        },
      };
    },
  },
  'ignores the actor in a search for events': {
    law: 'events are searched by actor',
    of: (store) => ({ readEvents: (query) => store.readEvents({ ...query, by: undefined }) }),
  },
  'ignores the start of a span of time in a search for events': {
    law: 'events are searched by actor and by time',
    of: (store) => ({ readEvents: (query) => store.readEvents({ ...query, since: undefined }) }),
  },
  'ignores the budget of a search for events': {
    law: 'a search of events that runs out of time',
    of: (store) => ({ readEvents: (query) => store.readEvents({ ...query, budget: undefined }) }),
  },
  'reports to a follower of events only the last match': {
    law: 'a follower of events that finds no match',
    of: (store) => ({
      readEvents: async (query) => {
        const page = await store.readEvents(query);
        return { ...page, reached: page.events.at(-1)?.sequence ?? query.after ?? 0 };
      },
    }),
  },
  'ignores the budget of a search for accounts': {
    law: 'a search of accounts that runs out of time',
    of: (store) => ({ listAccounts: (query) => store.listAccounts({ ...query, budget: undefined }) }),
  },
  'reads the log after an entry, not from it': {
    law: 'the log is read from any entry on, inclusive',
    of: (store) => ({ readLog: (from, limit) => store.readLog(from + 1, limit) }),
  },
  'gives every entry the same mark': {
    law: 'the mark of an entry is unique',
    of: (store) => marking(store, () => 'the same'),
  },
  'gives the head no mark': {
    law: 'the mark of an entry is unique',
    of: (store) => ({ logHead: async () => ({ ...(await store.logHead()), mark: '' }) }),
  },
  'derives marks from sequences': {
    law: 'R10: when an earlier state is restored',
    of: (store) => marking(store, ({ sequence }) => (sequence === 0 ? '' : `mark ${sequence}`)),
  },
  'is the same incarnation forever': {
    law: 'R10: when an earlier state is restored',
    of: (store) => ({
      logHead: async () => ({ ...(await store.logHead()), incarnation: 'the only one' }),
      listNodes: async () => ({ ...(await store.listNodes()), incarnation: 'the only one' }),
    }),
  },
  'is another incarnation at every read': {
    law: 'R4: a renewal returns the head, the incarnation',
    of: (store) => ({ logHead: async () => ({ ...(await store.logHead()), incarnation: randomUUID() }) }),
  },
  'considers every node current': {
    law: 'R10: a node is current while the log has its tail with that mark',
    of: (store) => ({
      listNodes: async () => {
        const list = await store.listNodes();
        return { ...list, nodes: list.nodes.map((row) => ({ ...row, current: true })) };
      },
    }),
  },
  'considers a node current if its sequence exists': {
    law: 'R10: a node is current while the log has its tail with that mark',
    of: (store) => ({
      listNodes: async () => {
        const [list, { sequence }] = [await store.listNodes(), await store.logHead()];
        return { ...list, nodes: list.nodes.map((row) => ({ ...row, current: row.tail.sequence <= sequence })) };
      },
    }),
  },
  'claims that any log is the one that was followed': {
    law: 'R10: a node that has followed the log learns',
    of: (store) => ({ listNodes: async (tail) => ({ ...(await store.listNodes(tail)), follows: true }) }),
  },
  'confirms any incarnation': {
    law: 'R10: an incarnation is confirmed only by its own name',
    of: (store) => ({
      confirmIncarnation: async () => store.confirmIncarnation((await store.logHead()).incarnation),
    }),
  },
  'answers a renewal with the previous head': {
    law: 'R4: a renewal returns the head',
    of(store) {
      let before = store.logHead();
      return {
        renewNode: async (row) => {
          const head = await before;
          before = store.renewNode(row);
          await before;
          return head;
        },
      };
    },
  },
  'deletes every old entry of the log': {
    law: 'R10: of the log entries that are too old the sweep keeps the newest',
    of(store) {
      let oldest = 0;
      return {
        sweep: (task) => {
          oldest = Math.max(oldest, task.now - task.keepEnded);
          return store.sweep(task);
        },
        readLog: async (from, limit) => (await store.readLog(from, limit)).filter(({ at }) => at > oldest),
      };
    },
  },
  'takes the time of every sweep for the time of a change': {
    law: 'the latest time is that of the latest change',
    of(store) {
      let latest = 0;
      return {
        sweep: (task) => {
          latest = Math.max(latest, task.now);
          return store.sweep(task);
        },
        latestTime: async () => Math.max(latest, await store.latestTime()),
      };
    },
  },
  'never forgets an epoch': {
    law: "a user's epoch is kept as long as any session",
    of(store) {
      const highest = new Map<string, number>();
      return {
        readUser: async (userId) => {
          const found = await store.readUser(userId);
          const user = Math.max(highest.get(userId) ?? 0, found.epochs.user);
          highest.set(userId, user);
          return { ...found, epochs: { ...found.epochs, user } };
        },
      };
    },
  },
  'never corrects what a wrong clock wrote': {
    law: 'correcting the latest time after a wrong clock',
    of: () => ({ mendTime: async () => {} }),
  },
  'accepts any secret key': {
    law: 'the first fingerprint of the secret key stays',
    of: (store) => ({
      keepKeyFingerprint: async (fingerprint) => store.keepKeyFingerprint(fingerprint, await store.keyFingerprint()),
    }),
  },
  'imports records before it knows which key they need': {
    law: 'an import keeps the fingerprint of the secret key that it needs',
    of: (store) => ({ importRecords: (records) => store.importRecords(records) }),
  },
  'lets an import replace its key': {
    law: 'a store with another secret key refuses an import',
    of: (store) => ({
      async importRecords(records, fingerprint) {
        await store.importRecords(records);
        if (fingerprint) await store.keepKeyFingerprint(fingerprint, await store.keyFingerprint());
      },
    }),
  },
  'sweeps everything at once': {
    law: 'one sweep does bounded work',
    of: (store) => ({
      async sweep(task) {
        const all = { expired: 0, endsWritten: 0, forgotten: 0 };
        // A slow machine does less in one piece.
        for (;;) {
          const { more, ...done } = await store.sweep({ ...task, batch: 1e6 });
          for (const kind of ['expired', 'endsWritten', 'forgotten'] as const) all[kind] += done[kind];
          if (!more) return { ...all, more };
        }
      },
    }),
  },
};

/** The store with other marks. */
function marking(store: Store, markOf: (position: LogPosition) => string): Partial<Store> {
  const marked = <Position extends LogPosition>(position: Position) => ({ ...position, mark: markOf(position) });
  return {
    readLog: async (from, limit) => (await store.readLog(from, limit)).map(marked),
    logHead: async () => marked(await store.logHead()),
    renewNode: async (row) => marked(await store.renewNode(row)),
  };
}

/** The embedded store with some of its operations replaced. */
function breaking(of: Broken['of']): Harness {
  const broken = (store: Store) => overlay(store, of(store));
  return {
    async open() {
      const opened = await lmdbHarness.open();
      return {
        ...opened,
        store: broken(opened.store),
        async setAside() {
          const putBack = await opened.setAside!();
          return async () => broken(await putBack());
        },
      };
    },
  };
}

function overlay(store: Store, changes: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const found: unknown = Reflect.get(name in changes ? changes : target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

/** A store that keeps everything in memory, so it opens empty. */
const forgetful: Harness = {
  async open() {
    const opened = await lmdbHarness.open();
    return {
      ...opened,
      async reopen() {
        await opened.store.close();
        return (await lmdbHarness.open()).store;
      },
    };
  },
};

describe('CVE-2025-29928: a broken store fails the suite', () => {
  const stores: [string, string, Harness][] = Object.entries(broken).map(([name, { law, of }]) => [
    `one that ${name}`,
    law,
    breaking(of),
  ]);
  stores.push(['one that is empty after reopening', 'everything acknowledged is still there', forgetful]);
  for (const [name, law, harness] of stores) {
    test(`${name}: «${law}»`, async () => {
      const rule = conformanceCases.find((candidate) => candidate.name.startsWith(law));
      assert.ok(rule, `no case is called «${law}»`);
      await assert.rejects(runCase(rule, harness));
      await runCase(rule, lmdbHarness);
    });
  }
});
