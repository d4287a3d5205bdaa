import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { createClient } from 'curfew-client';
import { type Content, curfewStore, type StoreClient, type StoreMethods } from 'curfew-client/express-session';
import { remoteVerifier } from 'curfew-client/request';
import { createVerifier, type Verifier } from 'curfew-client/verifier';
import session, { type Store } from 'express-session';
import fastify, { type Session } from 'fastify';
import { Relay } from '../../curfew/test/support/relay.ts';
import { TestServer } from '../../curfew/test/support/server.ts';
import { idleOf, type KeptCookie, userOfPassport } from '../src/express-session/content.ts';

declare module 'fastify' {
  interface Session {
    userId?: string;
  }
}

const hour = 3_600_000;
let made = 0;
const newSid = () => `sid-${made++}`;

/** A session as express-session gives it to a store. */
function content(more: object = {}, maxAge: number | null = hour): Content {
  const expires = maxAge === null ? null : new Date(Date.now() + maxAge);
  return {
    cookie: { originalMaxAge: maxAge, expires, httpOnly: true, path: '/' } as Content['cookie'],
    ...more,
  } as Content;
}
const ofUser = (user: unknown, more: object = {}) => content({ passport: { user }, ...more });

describe('the store for express-session', () => {
  let server: TestServer;
  const verifiers: Verifier[] = [];
  before(async () => {
    server = await TestServer.start();
  });
  after(async () => {
    for (const verifier of verifiers) verifier.close();
    await server.close();
  });

  /** An application's store, as promises; `calls` are the operations that it has called. */
  function open({
    on = server,
    key = on.key,
    url = on.url,
    ...options
  }: {
    kind?: string;
    onRefused?: (error: Error) => void;
    url?: string;
    on?: TestServer;
    key?: string;
    /** Instead of the one whose calls are noted. */
    client?: StoreClient;
  } = {}) {
    const verifier = createVerifier({ url, key });
    verifiers.push(verifier);
    const calls: string[] = [];
    const client = new Proxy(createClient({ url: on.url, token: key }), {
      get: (target, name) => {
        return (...args: never[]) => {
          calls.push(String(name));
          return (target[name as keyof typeof target] as (...all: never[]) => unknown)(...args);
        };
      },
    });
    const store: Store & StoreMethods = curfewStore(session, { verifier, client, ...options });
    const call = <T>(run: (callback: (error?: unknown, value?: T) => void) => void) =>
      new Promise<T>((resolve, reject) => run((error, value) => (error ? reject(error) : resolve(value as T))));
    return {
      store,
      verifier,
      client,
      calls,
      get: (sid: string) => call<Content | null | undefined>((done) => store.get(sid, done)),
      set: (sid: string, data: Content) => call<void>((done) => store.set(sid, data, done)),
      touch: (sid: string, data: Content) => call<void>((done) => store.touch(sid, data, done)),
      destroy: (sid: string) => call<void>((done) => store.destroy(sid, done)),
      all: () => call<Content[]>((done) => store.all(done)),
      length: () => call<number>((done) => store.length(done)),
      clear: () => call<void>((done) => store.clear(done)),
    };
  }

  test('a key that may not read sessions keeps data, but does not read that of others', async () => {
    const { body } = await server.call('POST', '/v1/keys', {
      name: 'shop',
      scopes: ['fence.attach', 'sessions.create', 'sessions.end'],
    });
    const { get, set, destroy, all, length, clear } = open({ key: body.token });
    const sid = newSid();
    await set(sid, ofUser('ada', { cart: [7] }));
    assert.deepEqual((await get(sid))!['cart'], [7]);
    for (const read of [all, length, clear]) await assert.rejects(read(), { code: 'permission_missing' });
    await destroy(sid);
    assert.equal(await get(sid), undefined);
  });

  test('a verifier that does not get the data of sessions is an error, not a store of empty sessions', async () => {
    const { set } = open();
    const sid = newSid();
    await set(sid, ofUser('ada'));
    const client = createClient({ url: server.url, token: server.key });
    const remote = curfewStore(session, { verifier: remoteVerifier(client), client });
    const calls: ((done: (error: unknown) => void) => void)[] = [
      (done) => remote.get(sid, done),
      (done) => remote.touch(sid, ofUser('ada') as never, done),
    ];
    for (const call of calls) {
      const error = await new Promise(call);
      assert.ok(error instanceof TypeError);
      assert.match(error.message, /createVerifier/);
    }
  });

  test('a kind that is too long for the sessions of nobody, or no kind, is refused', () => {
    for (const kind of ['a'.repeat(23), 'MyShop', ''])
      assert.throws(() => open({ kind }), { name: 'RangeError' }, kind);
    open({ kind: 'a'.repeat(22) });
  });

  test('is a store of express-session', () => {
    const { store } = open();
    assert.ok(store instanceof session.Store);
    for (const name of ['regenerate', 'load', 'createSession', 'on'])
      assert.equal(typeof store[name as 'load'], 'function');
  });

  test('keeps what it is given, and finds nothing that it was not given', async () => {
    const { get, set } = open();
    const sid = newSid();
    assert.equal(await get(sid), undefined);
    const data = ofUser('ada', { cart: [7, 'ü', '"\\'], nested: { a: null } });
    await set(sid, data);
    assert.deepEqual(await get(sid), data);
    // Each caller may change what it gets.
    (await get(sid))!['cart'] = [];
    assert.deepEqual((await get(sid))!['cart'], [7, 'ü', '"\\']);
    assert.equal(await get(`${sid}x`), undefined);
  });

  test('keeps every character, also those that no text of a session may have', async () => {
    const { get, set, calls } = open();
    const sid = newSid();
    const every = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
    const data = ofUser('ada', { [every]: `${every}\ud800\u2028`, name: '\\\x7f\x7f' });
    await set(sid, data);
    assert.deepEqual(await get(sid), data);
    const before = calls.length;
    await set(sid, (await get(sid))!);
    assert.equal(calls.length, before, 'what was read was saved again');
    await assert.rejects(set(sid, ofUser('ada', { text: '\x7f'.repeat(11_000) })), { code: 'session_data_too_large' });
  });

  test('a known session is read and touched without a call', async () => {
    const { get, set, touch, calls, verifier } = open();
    const sid = newSid();
    await set(sid, ofUser('ada', { cart: [7] }));
    await get(sid);
    const [{ asked }, before] = [verifier.statistics(), calls.length];
    for (let i = 0; i < 50; i++) {
      const found = (await get(sid))!;
      found.cookie!.expires = new Date(Date.now() + hour + i);
      await touch(sid, found);
      // With `resave`, express-session saves what has not changed.
      await set(sid, found);
    }
    assert.deepEqual([verifier.statistics().asked, calls.length], [asked, before]);
    const found = (await get(sid))!;
    await set(sid, { ...found, cart: [8] } as Content);
    assert.equal(calls.length, before + 1);
    assert.deepEqual((await get(sid))!['cart'], [8]);
  });

  test('a request of @fastify/session that changes nothing makes no call, although that saves with each request', async (t) => {
    const { verifier, client, calls } = open();
    const app = fastify();
    t.after(() => app.close());
    await app.register(fastifyCookie);
    await app.register(fastifySession, {
      store: curfewStore(fastifySession, { verifier, client, userId: (session: Session) => session.userId }),
      secret: 'a text of at least 32 characters',
      saveUninitialized: false,
      cookie: { maxAge: hour, secure: false },
    });
    app.post('/login', async (request) => {
      request.session.userId = 'ada';
      return 'signed in';
    });
    app.get('/me', async (request) => request.session.userId);
    const { cookies } = await app.inject({ method: 'POST', url: '/login' });
    const sent = Object.fromEntries(cookies.map(({ name, value }) => [name, value]));
    assert.deepEqual(calls, ['keepSessionData']);
    for (let i = 0; i < 3; i++) {
      const me = await app.inject({ url: '/me', cookies: sent });
      assert.deepEqual([me.body, me.cookies.length], ['ada', 1]);
    }
    assert.deepEqual(calls, ['keepSessionData']);
  });

  test('an answer from memory comes in the same turn of the event loop', async () => {
    const { store, get, set, touch } = open();
    const sid = newSid();
    const data = ofUser('ada');
    await set(sid, data);
    await get(sid);
    const came: string[] = [];
    store.get(sid, () => came.push('get'));
    store.touch(sid, data, () => came.push('touch'));
    assert.deepEqual(came, ['touch']);
    await setImmediate();
    assert.deepEqual(came, ['touch', 'get']);
    await touch(sid, data);
  });

  test('a session is looked up when the answer is given: an end that became known before counts', async () => {
    const { set, get, verifier } = open();
    const sid = newSid();
    await set(sid, ofUser('ada'));
    await get(sid);
    const order: string[] = [];
    const store: Store & StoreMethods = curfewStore(session, {
      client: createClient({ url: server.url, token: server.key }),
      verifier: {
        check(credential) {
          order.push('looked up');
          return verifier.check(credential);
        },
        verify: (credential) => verifier.verify(credential),
      },
    });
    store.get(sid, () => order.push('answered'));
    order.push('other events');
    await setImmediate();
    assert.deepEqual(order, ['other events', 'looked up', 'answered']);
  });

  test('what one process has saved, another reads; nobody reads the earlier one any more', async () => {
    const [a, b] = [open(), open()];
    const sid = newSid();
    for (let count = 0; count < 30; count++) {
      const [writer, reader] = count % 2 === 0 ? [a, b] : [b, a];
      await writer.set(sid, ofUser('ada', { count }));
      for (const one of [reader, writer]) assert.equal((await one.get(sid))!['count'], count);
    }
  });

  test('an ended session is not read, and is neither saved nor touched any more', async () => {
    const [a, b] = [open(), open()];
    for (const data of [ofUser('ada'), content()]) {
      const sid = newSid();
      await a.set(sid, data);
      const inFlight = (await b.get(sid))!;
      await a.destroy(sid);
      assert.equal(b.verifier.check({ alias: { kind: 'express-session', secret: sid } }), undefined);
      for (const one of [a, b]) {
        assert.equal(await one.get(sid), undefined);
        await assert.rejects(one.set(sid, { ...inFlight, late: true } as Content), { code: 'session_ended' });
        await assert.rejects(one.set(sid, ofUser('ada')), { code: 'session_ended' });
        await assert.rejects(one.touch(sid, inFlight), { code: 'session_ended' });
        assert.equal(await one.get(sid), undefined);
      }
      // Again, and one that never was: neither is an error.
      await a.destroy(sid);
      await a.destroy(newSid());
    }
  });

  test('an end and a save wait for a process that does not answer, until it stops trusting its memory', async () => {
    const relay = await Relay.to(Number(new URL(server.url).port));
    try {
      const [a, b] = [open(), open({ url: `http://127.0.0.1:${relay.port}` })];
      const [gone, changed] = [newSid(), newSid()];
      const known = (sid: string) => b.verifier.check({ alias: { kind: 'express-session', secret: sid } });
      for (const sid of [gone, changed]) {
        await a.set(sid, ofUser('ada'));
        await b.get(sid);
        assert.ok(known(sid));
      }
      relay.strand();
      await Promise.all([
        a.destroy(gone).then(() => assert.equal(known(gone), undefined)),
        a.set(changed, ofUser('ada', { more: true })).then(() => assert.equal(known(changed), undefined)),
      ]);
    } finally {
      await relay.close();
    }
  });

  test('a touch of a session that was never saved does nothing', async () => {
    const { get, touch } = open();
    const sid = newSid();
    await touch(sid, content());
    assert.equal(await get(sid), undefined);
  });

  test('a session that was loaded is never made anew', async () => {
    const { store, set, get } = open();
    const sid = newSid();
    const loaded = store.createSession({ sessionID: sid } as never, content() as never);
    await assert.rejects(set(sid, loaded as never), { code: 'session_not_found' });
    assert.equal(await get(sid), undefined);
  });

  test('a refusal that nobody can answer with any more is only reported', async () => {
    const refused: Error[] = [];
    const { set, touch, destroy } = open({ onRefused: (error) => refused.push(error) });
    const sid = newSid();
    await set(sid, ofUser('ada'));
    await destroy(sid);
    const late = Object.defineProperty(ofUser('ada', { late: true }), 'req', { value: { res: { headersSent: true } } });
    await set(sid, late);
    await touch(sid, late);
    assert.deepEqual(
      refused.map((error) => (error as { code?: string }).code),
      ['session_ended', 'session_ended'],
    );
    const soon = Object.defineProperty(ofUser('ada'), 'req', { value: { res: { headersSent: false } } });
    await assert.rejects(set(sid, soon), { code: 'session_ended', status: 401 });
  });

  test('data that is too large is refused with its own error, and what was there stays', async () => {
    const { get, set } = open();
    const sid = newSid();
    const room = 65_536 - JSON.stringify(content({ text: '' })).length;
    for (const text of ['x'.repeat(room), '"'.repeat(room / 2)]) {
      await set(sid, content({ text }));
      assert.equal((await get(sid))!['text'], text);
      for (const more of [1, 100_000, 2_000_000]) {
        await assert.rejects(set(sid, content({ text: text + 'x'.repeat(more + (room % 2)) })), {
          code: 'session_data_too_large',
        });
      }
      assert.equal((await get(sid))!['text'], text);
    }
    await assert.rejects(set(newSid(), content({ text: 'x'.repeat(room + 1) })), { code: 'session_data_too_large' });
  });

  test('an expired cookie ends a session, and one that lasts longer is noted', async () => {
    const { get, set, touch, calls } = open();
    const sid = newSid();
    await set(sid, content({}, -1));
    assert.equal(await get(sid), undefined);
    // For less than what Curfew allows as a limit, only the data says when.
    await set(sid, content({}, 5000));
    const found = (await get(sid))!;
    const before = calls.length;
    await touch(sid, found);
    assert.equal(calls.length, before);
    await touch(sid, content({}, 6000));
    assert.equal(calls.length, before + 1);
    await touch(sid, content({}, -1));
    assert.equal(await get(sid), undefined);
  });

  test('a session without a user is another one than that of the user who signs in with its id', async () => {
    const [a, b] = [open(), open()];
    const sid = newSid();
    const activeOf = async (user: string) =>
      (await server.call('GET', `/v1/sessions?user=${user}&status=active`)).body.sessions.length;
    await a.set(sid, content({ cart: [7] }));
    await b.get(sid);
    const nobodies = await activeOf('anonymous');
    await a.set(sid, ofUser('judy', { cart: [7] }));
    assert.deepEqual([await activeOf('judy'), await activeOf('anonymous')], [1, nobodies - 1]);
    for (const one of [a, b]) assert.deepEqual((await one.get(sid))!['passport'], { user: 'judy' });
    await assert.rejects(a.set(sid, ofUser('mallory')), { code: 'session_user_changed' });
    assert.deepEqual((await b.get(sid))!['passport'], { user: 'judy' });
    await b.set(sid, content({ cart: [7] }));
    assert.equal(await activeOf('judy'), 0);
    for (const one of [a, b]) assert.equal(await one.get(sid), undefined);
  });

  test('an id whose alias was exchanged for tokens belongs to no session any more, and nobody asks for ever', {
    timeout: 20_000,
  }, async () => {
    let behind = 60_000;
    const on = await TestServer.start({}, { now: () => Date.now() - behind });
    try {
      const { get, set, touch, verifier } = open({ on });
      const sid = newSid();
      await set(sid, content());
      await set(sid, ofUser('ada'));
      await createClient({ url: on.url, token: on.key }).exchangeAlias({
        alias: { kind: 'express-session', secret: sid },
      });
      // Other tabs may have sent it at the same moment, so it is accepted for some seconds more.
      behind = 0;
      const { asked } = verifier.statistics();
      assert.equal(await get(sid), undefined);
      assert.ok(verifier.statistics().asked <= asked + 4, `${verifier.statistics().asked - asked} questions`);
      await assert.rejects(touch(sid, ofUser('ada')), { code: 'session_ended' });
    } finally {
      await on.close();
    }
  });

  test('two that sign in at once with one id get one session', async () => {
    const [a, b] = [open(), open()];
    const sid = newSid();
    await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? a : b).set(sid, ofUser('kim', { i }))));
    const { sessions } = (await server.call('GET', '/v1/sessions?user=kim')).body;
    assert.equal(sessions.length, 1);
    assert.deepEqual(await a.get(sid), await b.get(sid));
  });

  /** An application whose next save or touch is held back until it is let go; `held` resolves when it is. */
  function holding() {
    const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const verifier = createVerifier({ url: server.url, key: server.key });
    verifiers.push(verifier);
    const client = createClient({ url: server.url, token: server.key });
    const keepSessionData: typeof client.keepSessionData = async (...given) => {
      held.resolve();
      await release.promise;
      return client.keepSessionData(...given);
    };
    const store: Store & StoreMethods = curfewStore(session, { verifier, client: { ...client, keepSessionData } });
    const touch = (sid: string, data: Content) =>
      new Promise<void>((resolve, reject) => {
        store.touch(sid, data as never, (error?: unknown) => (error ? reject(error) : resolve()));
      });
    return { touch, held: held.promise, release: () => release.resolve() };
  }
  /** Longer than the policy lets a session be unused, so only the data says when it expires. */
  const long = 100 * 24 * hour;
  const earlier = (more: object) => {
    const made = content(more, long);
    return { ...made, cookie: { ...made.cookie, expires: new Date(Date.now() + long / 2) } } as Content;
  };

  test('a touch that arrives after a save of another request does not undo it', async () => {
    const { get, set } = open();
    for (const user of [{}, { passport: { user: 'ada' } }]) {
      const sid = newSid();
      await set(sid, earlier({ ...user, cart: [1] }));
      const slow = holding();
      const touching = slow.touch(sid, content({ ...user, cart: [1] }, long));
      await slow.held;
      await set(sid, earlier({ ...user, cart: [1, 2] }));
      slow.release();
      await touching;
      assert.deepEqual((await get(sid))!['cart'], [1, 2]);
    }
  });

  test('a touch that arrives after somebody has signed in, or out, changes neither', async () => {
    const { get, set } = open();
    const signedIn = { passport: { user: 'ada' } };
    const sid = newSid();
    await set(sid, earlier({ cart: [1] }));
    const slow = holding();
    const touching = slow.touch(sid, content({ cart: [1] }, long));
    await slow.held;
    await set(sid, earlier({ ...signedIn, cart: [1] }));
    slow.release();
    await touching;
    assert.deepEqual((await get(sid))!['passport'], signedIn.passport, 'the touch has signed the user out');

    const other = newSid();
    await set(other, earlier(signedIn));
    const late = holding();
    const refused = late.touch(other, content(signedIn, long));
    await late.held;
    await set(other, earlier({}));
    late.release();
    await assert.rejects(refused, { code: 'session_ended' });
    assert.equal(await get(other), undefined);
  });

  test('a touch of what nobody has changed moves the expiry that only the data has', async () => {
    const [{ set, touch }, { get }] = [open(), open()];
    const sid = newSid();
    await set(sid, earlier({ cart: [1] }));
    const touched = content({ cart: [1] }, long);
    await touch(sid, touched);
    assert.deepEqual(await get(sid), touched);
  });

  test('lists, counts and clears its own sessions, more than a page of them', async () => {
    const [own, other] = [open({ kind: 'shop' }), open({ kind: 'desk' })];
    assert.deepEqual([await own.length(), await own.all()], [0, []]);
    await own.clear();
    await other.set(newSid(), content());
    const sids = Array.from({ length: 120 }, newSid);
    await Promise.all(sids.map((sid, i) => own.set(sid, i % 2 ? content({ i }) : ofUser(`user ${i}`, { i }))));
    await own.set(newSid(), content({}, -1));
    assert.equal(await own.length(), 120);
    const all = (await own.all()).map((one) => one['i'] as number).sort((x, y) => x - y);
    assert.deepEqual(
      all,
      sids.map((_, i) => i),
    );
    await own.clear();
    assert.deepEqual([await own.length(), await other.length()], [0, 1]);
    for (const sid of sids) assert.equal(await own.get(sid), undefined);
  });

  test('lists, counts and clears what was used beyond the expiry in its data, as it reads it', async () => {
    const { get, set, all, length, clear } = open({ kind: 'used' });
    const sid = newSid();
    // Curfew itself ends it after an hour without use, so uses within that time change none of its data.
    const expired = { cookie: { ...content().cookie, expires: new Date(Date.now() - 1000) }, cart: [7] } as Content;
    await set(sid, expired);
    assert.deepEqual((await get(sid))!['cart'], [7]);
    assert.equal(await length(), 1);
    const [listed] = await all();
    assert.deepEqual(listed!['cart'], [7]);
    assert.ok(new Date(listed!.cookie!.expires!).getTime() > Date.now(), 'its expiry is in the past');
    await clear();
    assert.deepEqual([await get(sid), await length()], [undefined, 0]);
  });

  test('ends also what has expired only as far as its cookie says, when it is cleared', async () => {
    const { set, length, clear } = open({ kind: 'expired' });
    await set(newSid(), content({ passport: { user: 'zoe' } }, -1));
    assert.equal(await length(), 0);
    const statuses = async () => {
      const { body } = await server.call('GET', '/v1/sessions?user=zoe');
      return body.sessions.map(({ status }: { status: string }) => status);
    };
    assert.deepEqual(await statuses(), ['active']);
    await clear();
    assert.deepEqual(await statuses(), ['ended']);
  });

  /** A client with which something happens between the list of sessions and their ends. */
  const listing = (then: (ids: string[]) => Promise<unknown>): StoreClient => {
    const client = createClient({ url: server.url, token: server.key });
    return {
      ...client,
      async listSessionData(input) {
        const page = await client.listSessionData(input);
        await then(page.sessions.map(({ id }) => id));
        return page;
      },
    };
  };

  test('a clear waits until all sessions are over everywhere, whichever of them somebody else ends meanwhile', async (t) => {
    for (const place of [0, -1]) {
      const relay = await Relay.to(Number(new URL(server.url).port));
      t.after(() => relay.close());
      const kind = `meanwhile-${place + 1}`;
      const b = open({ kind, url: `http://127.0.0.1:${relay.port}` });
      const client = listing(async (ids) => {
        await server.call('DELETE', `/v1/sessions/${ids.at(place)}`);
        relay.strand();
      });
      const a = open({ kind, client });
      const sids = [newSid(), newSid()];
      const known = () => sids.filter((secret) => b.verifier.check({ alias: { kind, secret } }));
      for (const sid of sids) {
        await a.set(sid, ofUser('ada'));
        await b.get(sid);
      }
      assert.deepEqual(known(), sids);
      await a.clear();
      assert.deepEqual(known(), []);
    }
  });

  test('a session that has ended and is forgotten, before a clear comes to it, is no error', async () => {
    const kind = 'forgotten';
    const { store, clock } = server.context;
    const client = listing(async ([id]) => {
      await server.call('DELETE', `/v1/sessions/${id}`);
      const sweep = { now: clock.now() + hour, keepEnded: hour / 2, keepEvents: hour, batch: 1000 };
      while ((await store.sweep(sweep)).more);
      assert.equal((await server.call('GET', `/v1/sessions/${id}`)).body.code, 'session_not_found');
    });
    const { set, length, clear } = open({ kind, client });
    for (const sid of [newSid(), newSid()]) await set(sid, content({}, 24 * hour));
    await clear();
    assert.equal(await length(), 0);
  });

  test('many large sessions are read at once', async () => {
    const [a, b] = [open(), open()];
    const dropped = () => server.running.opened.fence.statistics().dropped;
    const before = dropped();
    const sids = Array.from({ length: 200 }, newSid);
    // A quote is escaped in the data, and both characters again in the answer of the server: four bytes.
    const text = '"'.repeat(32_000);
    await Promise.all(sids.map((sid) => a.set(sid, content({ text, sid }))));
    const found = await Promise.all(sids.map((sid) => b.get(sid)));
    assert.deepEqual(
      found.map((one) => one?.['sid']),
      sids,
    );
    assert.equal(dropped(), before, 'its answers were too much for a connection');
  });

  test('an error of the server is an error of the store', async () => {
    const { verifier, get, set, touch } = open();
    verifier.close();
    await assert.rejects(get(newSid()), { code: 'verifier_closed' });
    await assert.rejects(touch(newSid(), content()), { code: 'verifier_closed' });
    await assert.rejects(set(newSid(), content({ passport: { user: ['no id'] } })), TypeError);
  });
});

test('a session lasts as long as its cookie, in whole seconds', () => {
  const cases: [number | null | undefined, number | undefined][] = [
    [null, undefined],
    [undefined, undefined],
    [Number.NaN, undefined],
    [1, 1],
    [-5, 1],
    [59_999, 60],
    [Number.MAX_SAFE_INTEGER, 315_360_000],
    [Number.POSITIVE_INFINITY, 315_360_000],
  ];
  for (const [originalMaxAge, seconds] of cases) assert.equal(idleOf({ originalMaxAge } as KeptCookie), seconds);
  assert.equal(idleOf(undefined), undefined);
});

test('the user is what Passport keeps', () => {
  const cases: [unknown, string | undefined][] = [
    ['ada', 'ada'],
    [7, '7'],
    [{ id: 'ada', name: 'Ada' }, 'ada'],
    [undefined, undefined],
    [null, undefined],
  ];
  for (const [user, expected] of cases) assert.equal(userOfPassport({ passport: { user } }), expected);
  assert.equal(userOfPassport({}), undefined);
  for (const user of [{}, { id: null }, true, []])
    assert.throws(() => userOfPassport({ passport: { user } }), TypeError);
});

test('N7.10: a user’s id that is a number which is not exact is refused by the store for express-session', () => {
  for (const id of [2 ** 53, 2 ** 53 + 2, -(2 ** 53), 0.5, Number.NaN]) {
    for (const user of [id, { id }])
      assert.throws(
        () => userOfPassport({ passport: { user } }),
        /session\.passport\.user is a number .* keep it as text/,
      );
  }
  assert.equal(userOfPassport({ passport: { user: Number.MAX_SAFE_INTEGER } }), '9007199254740991');
});
