import assert from 'node:assert/strict';
import type { KeyId } from '../../domain/brand.ts';
import type { NewEvent } from '../../domain/events.ts';
import type { ApiKey } from '../../domain/key.ts';
import type { Actor, End } from '../../domain/reasons.ts';
import { allOfUser, type Case, logout, note, random, start, user } from './harness.ts';

const disabled: End = { at: start + 5, by: 'key:root', reason: 'account_disabled' };

export const accountCases: Case[] = [
  {
    name: 'an account reads back unchanged, by id, user name and address',
    async run(fixture) {
      const account = {
        ...fixture.account('ada', 'ada@example.com'),
        factor: { sealedSecret: random(60), confirmedAt: start, lastStep: 7, backupCodes: ['a', 'b'] },
      };
      assert.equal(await fixture.store.createAccount(account, note('account.created')), 'created');
      const expected = { account, epochs: { user: 0, everyone: 0 } };
      assert.deepEqual(await fixture.store.readUser(account.id), expected);
      assert.deepEqual(await fixture.store.findAccount({ username: 'ada' }), expected);
      assert.deepEqual(await fixture.store.findAccount({ email: 'ada@example.com' }), expected);
      assert.equal(await fixture.store.findAccount({ username: 'ada@example.com' }), undefined);
      assert.equal((await fixture.store.readUser(user('nobody'))).account, undefined);
    },
  },
  {
    name: 'user names and addresses are unique, even in a race; a repeated creation happens once',
    async run(fixture) {
      const account = fixture.account('ada', 'ada@example.com');
      assert.equal(await fixture.store.createAccount(account, note('account.created')), 'created');
      assert.equal(await fixture.store.createAccount(account, note('account.created')), 'created');
      assert.equal((await fixture.events()).length, 1);
      const create = (username: string, email?: string) =>
        fixture.store.createAccount(fixture.account(username, email), note('account.created'));
      assert.equal(await create('ada'), 'username_taken');
      assert.equal(await create('bob', 'ada@example.com'), 'email_taken');
      const race = await Promise.all(Array.from({ length: 8 }, () => create('carol')));
      assert.deepEqual(race.sort(), ['created', ...Array(7).fill('username_taken')]);
    },
  },
  {
    name: 'a change of an account is compare-and-set; the old name becomes free, a taken one is refused',
    async run(fixture) {
      const ada = fixture.account('ada', 'ada@example.com');
      await fixture.store.createAccount(ada, note('account.created'));
      await fixture.store.createAccount(fixture.account('bob', 'bob@example.com'), note('account.created'));
      const change = (version: number, set: object) =>
        fixture.store.changeAccount({ id: ada.id, version, set, event: note('account.changed') });
      assert.deepEqual(await change(1, { username: 'bob' }), { kind: 'username_taken' });
      assert.deepEqual(await change(1, { email: 'bob@example.com' }), { kind: 'email_taken' });
      const renamed = await change(1, { username: 'lovelace', email: undefined });
      assert.ok(renamed.kind === 'changed' && renamed.account.version > 1 && renamed.sequence === undefined);
      assert.equal(renamed.ended, 0);
      assert.deepEqual(await change(1, { name: 'late' }), { kind: 'conflict' });
      assert.equal(await fixture.store.findAccount({ username: 'ada' }), undefined);
      assert.equal(await fixture.store.findAccount({ email: 'ada@example.com' }), undefined);
      assert.equal((await fixture.store.findAccount({ username: 'lovelace' }))?.account.id, ada.id);
      assert.equal(
        await fixture.store.createAccount(fixture.account('ada', 'ada@example.com'), note('account.created')),
        'created',
      );
      const nobody = { id: user('nobody'), version: 1, set: {}, event: undefined };
      assert.deepEqual(await fixture.store.changeAccount(nobody), { kind: 'not_found' });
    },
  },
  {
    name: '7.4.2: disabling an account ends every session, including those being created, in the same write',
    async run(fixture) {
      const ada = fixture.account('ada');
      await fixture.store.createAccount(ada, note('account.created'));
      const session = await fixture.create({ userId: ada.id });
      const credential = await fixture.store.findAccount({ username: 'ada' });
      const change = {
        id: ada.id,
        version: 1,
        set: { disabled: true },
        event: note('account.disabled'),
        end: disabled,
      };
      const outcome = await fixture.store.changeAccount(change);
      assert.ok(outcome.kind === 'changed' && outcome.sequence === 1);
      assert.equal(outcome.ended, 1);
      assert.equal((await fixture.view(session.id, start + 9)).endReason, 'account_disabled');
      const late = fixture.plan({ userId: ada.id });
      assert.equal((await fixture.tryCreate(late, { epochs: credential!.epochs })).kind, 'epoch_moved');
      assert.equal(await fixture.store.countActive(start + 9), 0);
    },
  },
  {
    name: 'a change that ends the others spares the session that made it',
    async run(fixture) {
      const ada = fixture.account('ada');
      await fixture.store.createAccount(ada, note('account.created'));
      const [kept, other] = await fixture.createMany(3, { userId: ada.id });
      const change = { id: ada.id, version: 1, set: { passwordHash: 'new' }, event: note('account.changed') };
      const outcome = await fixture.store.changeAccount({ ...change, end: allOfUser(start + 9), except: kept!.id });
      assert.ok(outcome.kind === 'changed' && outcome.ended === 2);
      assert.equal((await fixture.view(kept!.id, start + 9)).status, 'active');
      assert.equal((await fixture.view(other!.id, start + 9)).status, 'ended');
      const gone = { ...change, version: 99, end: allOfUser(start + 9) };
      assert.equal((await fixture.store.changeAccount(gone)).kind, 'conflict');
      assert.equal((await fixture.view(kept!.id, start + 9)).status, 'active', 'a conflict ended a session');
    },
  },
  {
    name: '7.4.2: deleting an account ends every session and frees its names',
    async run(fixture) {
      const ada = fixture.account('ada', 'ada@example.com');
      await fixture.store.createAccount(ada, note('account.created'));
      const session = await fixture.create({ userId: ada.id });
      const deletion = { id: ada.id, version: 1, end: disabled, event: note('account.deleted') };
      assert.deepEqual(await fixture.store.deleteAccount({ ...deletion, version: 2 }), { kind: 'conflict' });
      assert.equal((await fixture.view(session.id, start + 9)).status, 'active', 'a conflict ended a session');
      const outcome = await fixture.store.deleteAccount(deletion);
      assert.deepEqual(outcome, { kind: 'deleted', sequence: 1 });
      assert.equal((await fixture.view(session.id, start + 9)).status, 'ended');
      assert.equal(await fixture.store.findAccount({ email: 'ada@example.com' }), undefined);
      assert.deepEqual(await fixture.store.deleteAccount(deletion), { kind: 'not_found' });
      assert.equal(
        await fixture.store.createAccount(fixture.account('ada', 'ada@example.com'), note('account.created')),
        'created',
      );
    },
  },
  {
    name: 'a change that depends on another account happens only if that one has not changed since it was read',
    async run(fixture) {
      const [ada, bob] = [fixture.account('ada'), fixture.account('bob')];
      for (const account of [ada, bob]) await fixture.store.createAccount(account, note('account.created'));
      const [session] = await fixture.createMany(1, { userId: ada.id });
      const change = (of: typeof ada, version: number, witness: { id: typeof ada.id; version: number }) =>
        fixture.store.changeAccount({
          id: of.id,
          version,
          set: { disabled: true },
          event: note('account.disabled'),
          end: disabled,
          witness,
        });
      // Each requires that the other stays as it is, so only one of the two can succeed.
      const [one, other] = await Promise.all([
        change(ada, 1, { id: bob.id, version: 1 }),
        change(bob, 1, { id: ada.id, version: 1 }),
      ]);
      assert.deepEqual([one.kind, other.kind].sort(), ['changed', 'conflict']);
      const kept = one.kind === 'changed' ? bob : ada;
      const gone = kept === ada ? bob : ada;
      assert.equal((await fixture.store.readUser(kept.id)).account?.disabled, false);
      const nobody = { id: user('nobody'), version: 1 };
      assert.equal((await change(kept, 1, nobody)).kind, 'conflict');
      const deletion = { id: kept.id, version: 1, end: disabled, event: note('account.deleted') };
      const late = { id: gone.id, version: 1 };
      assert.deepEqual(await fixture.store.deleteAccount({ ...deletion, witness: late }), { kind: 'conflict' });
      const events = (await fixture.events()).filter(({ type }) => type !== 'account.created');
      assert.deepEqual(
        events.map(({ type }) => type),
        ['session.created', 'user.sessions_ended', 'account.disabled'],
      );
      const present = { id: gone.id, version: 2 };
      assert.equal((await fixture.store.deleteAccount({ ...deletion, witness: present })).kind, 'deleted');
      assert.equal((await fixture.view(session!.id, start + 9)).status, 'ended');
    },
  },
  {
    name: 'accounts are listed by user name, page by page, and found by part of a name',
    async run(fixture) {
      for (const text of ['delta', 'alpha', 'charlie', 'bravo']) {
        await fixture.store.createAccount(fixture.account(text, `${text}@example.com`), note('account.created'));
      }
      const names = (page: { accounts: { username: string }[] }) => page.accounts.map(({ username }) => username);
      const first = await fixture.store.listAccounts({ limit: 3 });
      assert.deepEqual(names(first), ['alpha', 'bravo', 'charlie']);
      const second = await fixture.store.listAccounts({ limit: 3, after: first.next });
      assert.deepEqual([names(second), second.next], [['delta'], undefined]);
      assert.deepEqual(names(await fixture.store.listAccounts({ limit: 9, text: 'lie@' })), ['charlie']);
      assert.deepEqual(names(await fixture.store.listAccounts({ limit: 9, text: '.*' })), []);
    },
  },
  {
    name: 'API keys are kept, listed newest first and revoked once',
    async run(fixture) {
      const keys: ApiKey[] = [];
      for (const i of [0, 1, 2]) keys.push(await fixture.createKey(['sessions.end'], start + i));
      assert.deepEqual(await fixture.store.readKey(keys[0]!.id), keys[0]);
      assert.equal(await fixture.store.readKey('nope' as KeyId), undefined);
      const page = await fixture.store.listKeys({ limit: 2 });
      assert.deepEqual(page.keys, [keys[2], keys[1]]);
      assert.deepEqual((await fixture.store.listKeys({ limit: 2, after: page.next })).keys, [keys[0]]);
      const key = { ...keys[0]!, revokedAt: start + 9 };
      const first = { key, sequence: 1 };
      assert.deepEqual(await fixture.store.revokeKey(key.id, start + 9, note('key.revoked')), first);
      assert.deepEqual(await fixture.store.readKey(key.id), key);
      assert.deepEqual(await fixture.store.revokeKey(key.id, start + 99, note('key.revoked')), first);
      assert.equal(await fixture.store.revokeKey('nope' as KeyId, start, note('key.revoked')), undefined);
      assert.equal((await fixture.events()).filter(({ type }) => type === 'key.revoked').length, 1);
    },
  },
  {
    name: 'the last use of an API key only moves forward, writes no log entry or event, and leaves a revoked key revoked',
    async run(fixture) {
      const key = await fixture.createKey(['sessions.end']);
      const { id } = key;
      const before = [await fixture.head(), await fixture.events()];
      assert.equal((await fixture.store.readKey(id))?.lastUsedAt, undefined);
      await fixture.store.touchKeys([
        { id, at: start + 5 },
        { id: 'nope' as KeyId, at: start },
      ]);
      await fixture.store.touchKeys([{ id, at: start + 1 }]);
      const used = { ...key, lastUsedAt: start + 5 };
      assert.deepEqual(await fixture.store.readKey(id), used);
      assert.deepEqual((await fixture.store.listKeys({ limit: 9 })).keys, [used]);
      assert.deepEqual([await fixture.head(), await fixture.events()], before);
      await Promise.all([
        ...Array.from({ length: 20 }, (_, i) => fixture.store.touchKeys([{ id, at: start + 10 + i }])),
        fixture.store.revokeKey(id, start + 9, note('key.revoked')),
      ]);
      assert.deepEqual(await fixture.store.readKey(id), { ...key, revokedAt: start + 9, lastUsedAt: start + 29 });
      if (!fixture.opened.reopen) return;
      await fixture.reopen();
      assert.equal((await fixture.store.readKey(id))?.lastUsedAt, start + 29);
    },
  },
  {
    name: 'R23: a revoked key has one entry in the log, and a reader of the entry sees the key revoked',
    async run(fixture) {
      const keys = await Promise.all(Array.from({ length: 5 }, () => fixture.createKey()));
      const ids = keys.map(({ id }) => id);
      for (const key of keys) assert.deepEqual(await fixture.store.readKey(key.id), key);
      assert.equal(await fixture.head(), 0, 'creating a key is not a change');
      const { id: ended } = await fixture.create();
      const racing = ids.flatMap((id) => [id, id, id]);
      let open = true;
      const revoking = Promise.all(
        racing.map((id, i) => fixture.store.revokeKey(id, start + 10 + i, note('key.revoked', start + 10 + i))),
      ).finally(() => {
        open = false;
      });
      while (open) {
        for (const entry of await fixture.store.readLog(1, 100)) {
          const key = 'keyId' in entry && (await fixture.store.readKey(entry.keyId));
          if (key) assert.ok(key.revokedAt, 'the entry was there before the change');
        }
        await new Promise(setImmediate);
      }
      const answers = await revoking;
      await fixture.store.endSession(ended, logout());
      const log = await fixture.log();
      assert.deepEqual(
        log.map(({ sequence }) => sequence),
        log.map((_, i) => i + 1),
      );
      assert.deepEqual(
        log.flatMap((entry) => ('keyId' in entry ? [entry.keyId] : [])).sort(),
        [...ids].sort(),
        'one entry for each key',
      );
      for (const [i, id] of racing.entries()) {
        const { key, sequence } = answers[i]!;
        assert.equal(key.revokedAt, (await fixture.store.readKey(id))?.revokedAt);
        const own = log.find((entry) => 'keyId' in entry && entry.keyId === id)!;
        assert.ok(sequence >= own.sequence, 'a repeated call would not wait for the first');
      }
    },
  },
  {
    name: 'events are read upwards and downwards, page by page, and by type, user and session',
    async run(fixture) {
      const [one] = await fixture.createMany(5, { userId: 'ada' });
      await fixture.create({ userId: 'bob' });
      await fixture.store.endSession(one!.id, logout());
      await fixture.store.appendEvent({ ...note('login.failed'), details: { username: 'eve' } });
      const read = async (query: object) =>
        (await fixture.store.readEvents({ limit: 100, ...query })).events.map(({ sequence }) => sequence);
      assert.deepEqual(await read({ after: 0 }), [1, 2, 3, 4, 5, 6, 7, 8]);
      assert.deepEqual(await read({}), [8, 7, 6, 5, 4, 3, 2, 1]);
      assert.deepEqual(await read({ after: 0, limit: 3 }), [1, 2, 3]);
      assert.deepEqual(await read({ before: 4, limit: 2 }), [3, 2]);
      assert.deepEqual(await read({ type: 'session.ended' }), [7]);
      assert.deepEqual(await read({ userId: user('bob') }), [6]);
      assert.deepEqual((await read({ sessionId: one!.id })).length, 2);
      const page = await fixture.store.readEvents({ limit: 3 });
      assert.deepEqual((await fixture.store.readEvents({ limit: 3, before: page.next })).events[0]?.sequence, 5);
      assert.equal((await fixture.store.readEvents({ limit: 8, after: 0 })).events[7]?.details?.['username'], 'eve');
    },
  },
  {
    name: 'events are searched by actor and by time: from the start (inclusive) to the end (exclusive)',
    async run(fixture) {
      const by = (actor: Actor, at: number): NewEvent => ({ ...note('login.failed', at), by: actor });
      const others: Actor[] = ['key:a', 'key:ab', 'user:"a\\\n"', 'policy'];
      for (const [i, actor] of others.entries()) await fixture.store.appendEvent(by(actor, start + i));
      // The store itself writes the events about these.
      const session = await fixture.create({ userId: 'ada' });
      await fixture.store.endSessionsOfUser(user('ada'), { ...allOfUser(start + 9), by: 'key:a' });
      const ended = (await fixture.store.readEvents({ type: 'user.sessions_ended', limit: 1 })).events[0]!.sequence;
      const read = async (query: object) =>
        (await fixture.store.readEvents({ limit: 100, ...query })).events.map(({ sequence }) => sequence);
      const [own] = await read({ type: 'session.created', sessionId: session.id });
      assert.deepEqual(await read({ by: 'key:a' }), [ended, 1]);
      assert.deepEqual(await read({ by: 'key:ab' }), [2]);
      assert.deepEqual(await read({ by: others[2] }), [3]);
      assert.deepEqual(await read({ by: 'key:' }), []);
      assert.deepEqual(await read({ since: start + 1, until: start + 3, type: 'login.failed' }), [3, 2]);
      assert.deepEqual(await read({ after: 0, since: start + 3, by: 'policy' }), [4]);
      assert.deepEqual(await read({ until: start + 1, type: 'login.failed' }), [1]);
      assert.ok((await read({ since: start, userId: user('ada') })).includes(own!));
      const types = ['user.sessions_ended', 'session.created'];
      assert.deepEqual(await read({ type: types }), [ended, own]);
      assert.deepEqual(await read({ after: 0, type: [...types, 'login.failed'], by: 'key:a' }), [1, ended]);
      assert.deepEqual(await read({ type: [] }), []);
    },
  },
  {
    name: 'a search of accounts that runs out of time says so, and continues where it stopped',
    async run(fixture) {
      const names = Array.from({ length: 450 }, (_, i) => `hay-${i}`);
      for (let i = 0; i < names.length; i += 50) {
        await Promise.all(
          names
            .slice(i, i + 50)
            .map((text) => fixture.store.createAccount(fixture.account(text), note('account.created'))),
        );
      }
      await fixture.store.createAccount(fixture.account('needle'), note('account.created'));
      const found: string[] = [];
      let [after, stopped]: [string | undefined, number] = [undefined, 0];
      do {
        const page: Awaited<ReturnType<typeof fixture.store.listAccounts>> = await fixture.store.listAccounts({
          text: 'needle',
          after,
          limit: 10,
          budget: 0,
        });
        found.push(...page.accounts.map(({ username }) => username));
        assert.equal(page.partial, page.next !== undefined, 'a search that stopped says so, and where it continues');
        after = page.next;
        stopped += Number(page.partial);
        assert.ok(stopped < 500, 'a search without time never ends');
      } while (after !== undefined);
      assert.deepEqual(found, ['needle']);
      assert.ok(stopped > 0, 'a search without time examined everything');
    },
  },
  {
    name: 'a search of events that runs out of time says so, and continues where it stopped, upwards and downwards',
    async run(fixture) {
      const types = ['login.failed', 'second_factor.failed'] as const;
      const first = await fixture.create({ userId: 'needle' });
      // From then on its event is the first, also where events are taken over from several parts of a store.
      await fixture.events();
      for (let i = 0; i < 11; i++) {
        await Promise.all(Array.from({ length: 200 }, () => fixture.store.appendEvent(note(types[0]))));
      }
      await fixture.store.appendEvent({ ...note(types[1]), userId: user('needle') });
      const last = 2202;
      const cases = [
        { filter: { type: 'session.created' }, found: [1] },
        { filter: { type: types[1] }, found: [last] },
        { filter: { sessionId: first.id }, found: [1] },
        { filter: { type: types[0], userId: user('needle') }, found: [] },
      ] as const;
      for (const { filter, found } of cases) {
        for (const upwards of [true, false]) {
          const seen: number[] = [];
          let [place, stopped]: [number | undefined, number] = [upwards ? 0 : undefined, 0];
          for (;;) {
            const from = upwards ? { after: place } : { before: place };
            const page = await fixture.store.readEvents({ ...filter, ...from, limit: 10, budget: 0 });
            seen.push(...page.events.map(({ sequence }) => sequence));
            assert.equal(page.partial, page.next !== undefined, 'a stopped search says so, and where it continues');
            if (page.next === undefined) break;
            assert.equal(page.reached, page.next);
            assert.ok(place === undefined || page.next > place === upwards, 'a page led back');
            place = page.next;
            stopped += 1;
            assert.ok(stopped < 500, 'a search without time never ends');
          }
          assert.deepEqual(seen, found);
          // The events of one user may be found without examining the others.
          if (!('userId' in filter)) assert.ok(stopped > 0, 'a search without time examined everything');
        }
      }
    },
  },
  {
    name: 'a follower of events that finds no match continues after the last event examined',
    async run(fixture) {
      await fixture.createMany(5, { userId: 'ada' });
      const follow = (after: number) => fixture.store.readEvents({ type: 'key.revoked', after, limit: 10, budget: 0 });
      assert.deepEqual(await follow(0), { events: [], next: undefined, reached: 5, partial: false });
      assert.deepEqual(await follow(5), { events: [], next: undefined, reached: 5, partial: false });
      await fixture.store.appendEvent(note('key.revoked'));
      await fixture.create({ userId: 'ada' });
      const { events, reached } = await follow(5);
      assert.deepEqual([events.map(({ sequence }) => sequence), reached], [[6], 7]);
    },
  },
];
