import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { type Program, type Running, start } from './programs.ts';
import { type Answer, Tab } from './tab.ts';

/*
 * What the middleware of every framework does. It is one list of tests, and each program runs it: what one framework
 * can do, each of them must.
 */

const session = '__Host-curfew';
const refresh = `${session}-refresh`;
const hour = 3_600_000;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const cookie = (text: string) => ({ cookie: text });
const problem = ({ text }: Answer) => JSON.parse(text) as { code: string; reason?: string; detail?: string };

export function behavesAsTheOthers(name: string, program: Program): void {
  describe(`${name}: sessions of a request`, () => {
    let server: TestServer;
    let app: Running;
    let old: string;
    before(async () => {
      await program.build?.();
      let behind = hour;
      server = await TestServer.start({}, { now: () => Date.now() - behind });
      old = (await server.createSession('ada')).token;
      behind = 0;
      app = await start(program, { CURFEW_URL: server.url, CURFEW_API_KEY: server.key });
    });
    after(async () => {
      app?.stop();
      await server.close();
    });

    const signedIn = async (userId = 'ada'): Promise<Tab> => {
      const tab = new Tab(app.url);
      const answer = await tab.send('POST', '/login', { userId });
      assert.deepEqual([answer.status < 300, answer.text], [true, 'signed in']);
      return tab;
    };
    const get = (path: string, headers: Record<string, string> = {}) =>
      new Tab(app.url).send('GET', path, undefined, headers);
    const active = async (token: string): Promise<boolean> => (await server.verify(token)).active;

    test('a request without a session, or with an invalid one, is told to sign in', async () => {
      for (const headers of [{}, bearer('nonsense'), cookie(`${session}=`), { authorization: 'Basic eDp5' }]) {
        const answer = await get('/me', headers as Record<string, string>);
        assert.equal(answer.status, 401);
        assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/);
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
        assert.equal(answer.headers.get('cache-control'), 'no-store');
        assert.match(problem(answer).code, /^(authentication_required|session_ended)$/);
        assert.deepEqual(answer.set, []);
      }
    });

    test('signing in sets two cookies that only the browser’s requests to this host carry', async () => {
      const tab = new Tab(app.url);
      const answer = await tab.send('POST', '/login', { userId: 'ada' }, { 'user-agent': 'a browser' });
      assert.equal(answer.text, 'signed in');
      assert.equal(answer.set.length, 2, String(answer.set));
      for (const [text, name, seconds] of [
        [answer.set[0]!, session, [900, 900]],
        [answer.set[1]!, refresh, [29 * 86_400, 30 * 86_400]],
      ] as const) {
        const [first, ...attributes] = text.split(/; */);
        assert.ok(first!.startsWith(`${name}=`), text);
        const found = attributes.map((attribute) => attribute.toLowerCase());
        const age = Number(found.find((one) => one.startsWith('max-age='))?.slice('max-age='.length));
        assert.ok(age >= seconds[0] && age <= seconds[1], text);
        const others = found.filter((one) => !/^(max-age|expires)=/.test(one)).sort();
        assert.deepEqual(others, ['httponly', 'path=/', 'samesite=lax', 'secure'], text);
      }
      assert.match(answer.headers.get('cache-control') ?? 'no-store', /no-store/);
      const me = await tab.send('GET', '/me');
      assert.deepEqual([me.status, JSON.parse(me.text), me.set], [200, { userId: 'ada', plan: 'paid' }, []]);
      const { body } = await server.call('POST', '/v1/users/ada/sessions/find', { token: tab.cookies.get(session) });
      assert.equal(body.session.userAgent, 'a browser');
    });

    test('after an end elsewhere, the next request is refused, and says why', async () => {
      const tab = await signedIn('grace');
      assert.equal((await tab.send('GET', '/me')).status, 200);
      const { body } = await server.call('DELETE', '/v1/users/grace/sessions');
      assert.equal(body.receipt.everywhere, true);
      const answer = await tab.send('GET', '/me');
      assert.deepEqual(
        [answer.status, problem(answer).code, problem(answer).reason],
        [401, 'session_ended', 'all_of_user'],
      );
      // A cookie of an ended session is left alone: by now the browser may hold a newer one.
      assert.deepEqual(answer.set, []);
    });

    test('a suspended session is refused until it is resumed', async () => {
      const { token } = await server.createSession('ada', { name: 'desk' });
      assert.equal((await get('/me', bearer(token))).status, 200);
      await server.call('POST', '/v1/named-sessions/desk/stop');
      assert.deepEqual(problem(await get('/me', bearer(token))).reason, 'suspended');
      await server.call('POST', '/v1/named-sessions/desk/start');
      assert.equal((await get('/me', bearer(token))).status, 200);
    });

    test('a missing access group is refused with 403, and a new one counts at once', async () => {
      const tab = await signedIn('olga');
      const answer = await tab.send('GET', '/staff');
      assert.deepEqual([answer.status, problem(answer).code], [403, 'access_group_missing']);
      assert.match(problem(answer).detail!, /staff/);
      await server.call('POST', '/v1/users/olga/access-groups', { add: ['staff'] });
      assert.equal((await tab.send('GET', '/staff')).text, 'staff only');
    });

    test('where a fresh sign-in is required, one of an hour ago is not enough', async () => {
      assert.equal((await get('/me', bearer(old))).status, 200);
      const answer = await get('/account', bearer(old));
      assert.deepEqual([answer.status, problem(answer).code], [403, 'fresh_sign_in_required']);
      assert.equal((await (await signedIn()).send('GET', '/account')).text, 'a fresh sign-in');
    });

    test('another way to write a path changes nothing about what its route requires', async () => {
      const tab = await signedIn('rita');
      // Where the framework decodes the path before it looks for the route, the requirement is that of the route.
      const refused = name === 'sveltekit' ? [403] : [403, 404];
      for (const path of ['/%73taff', '/staf%66']) {
        const answer = await tab.send('GET', path);
        assert.ok(refused.includes(answer.status), `${path}: ${answer.status} ${answer.text}`);
      }
      for (const path of ['/%61ccount', '/accoun%74']) {
        const answer = await get(path, bearer(old));
        assert.ok(refused.includes(answer.status), `${path}: ${answer.status} ${answer.text}`);
      }
    });

    test('a write with the cookie must come from the application’s own pages; its body may have been read', async () => {
      const tab = await signedIn();
      const write = (headers: Record<string, string>) => tab.send('POST', '/write', { text: 'written' }, headers);
      for (const headers of [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { origin: app.url, 'sec-fetch-site': 'cross-site' },
      ]) {
        const answer = await write(headers as Record<string, string>);
        assert.deepEqual([answer.status, problem(answer).code], [403, 'cross_site_refused'], JSON.stringify(headers));
      }
      assert.equal((await write({})).text, 'written');
      assert.equal((await write({ origin: 'http://proxy.example', 'sec-fetch-site': 'same-origin' })).text, 'written');
      // A program sends the token on purpose, from anywhere.
      const program = new Tab(app.url);
      const headers = { ...bearer(tab.cookies.get(session)!), origin: 'https://evil.example' };
      assert.equal((await program.send('POST', '/write', { text: 'by a program' }, headers)).text, 'by a program');
      // But not if the browser sent it as well: then a proxy may have copied it.
      assert.equal((await tab.send('POST', '/write', { text: 'x' }, headers)).status, 403);
    });

    test('another site’s page can neither sign a browser in nor out', async () => {
      const tab = await signedIn();
      const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
      const login = await tab.another().send('POST', '/login', { userId: 'mallory' }, foreign);
      const logout = await tab.another().send('POST', '/logout', undefined, foreign);
      for (const answer of [login, logout]) assert.deepEqual([answer.status >= 400, answer.set], [true, []]);
      assert.equal((await tab.send('GET', '/me')).status, 200);
    });

    test('tabs that refresh at the same moment get the same successor, and so does one that is late', async () => {
      const tab = await signedIn();
      const before = tab.cookies.get(session)!;
      const tabs = [tab.later(), tab.later(), tab.later()];
      const answers = await Promise.all(tabs.map((one) => one.send('GET', '/me')));
      for (const answer of answers) {
        assert.deepEqual([answer.status, answer.set.length], [200, 2]);
        assert.match(answer.headers.get('cache-control')!, /no-store/);
      }
      const [first] = tabs;
      for (const one of tabs) assert.deepEqual(one.cookies, first!.cookies);
      assert.notEqual(first!.cookies.get(session), before);
      // It was sent before the answers arrived, with both of the cookies of the past.
      const late = tab.another();
      assert.equal((await late.send('GET', '/me')).status, 200);
      assert.deepEqual(late.cookies, first!.cookies);
      assert.deepEqual([await active(before), await active(first!.cookies.get(session)!)], [false, true]);
      const again = await first!.send('GET', '/me');
      assert.deepEqual([again.status, again.set], [200, []]);
    });

    test('the browser gets its new tokens also with an answer that refuses or fails', async () => {
      for (const [path, status] of [
        ['/staff', 403],
        ['/broken', 500],
      ] as const) {
        const tab = (await signedIn('edith')).later();
        assert.equal((await tab.send('GET', path)).status, status);
        assert.equal(await active(tab.cookies.get(session)!), true, path);
      }
    });

    test('the cookies of a handler and the new tokens are in one answer', async () => {
      const tab = (await signedIn()).later();
      assert.equal((await tab.send('GET', '/theme')).text, 'themed');
      assert.deepEqual([...tab.cookies.keys()].sort(), [session, refresh, 'theme']);
      assert.deepEqual([tab.cookies.get('theme'), await active(tab.cookies.get(session)!)], ['dark', true]);
    });

    test('a log-out in the request that replaced the tokens leaves neither a session nor a cookie', async () => {
      const tab = await signedIn('irene');
      const late = tab.later();
      assert.equal((await late.send('GET', '/leave', undefined, { origin: app.url })).text, 'signed out');
      assert.deepEqual([...late.cookies], []);
      assert.equal((await server.call('GET', '/v1/users/irene/sessions?status=active')).body.total, 0);
    });

    test('a refresh on request replaces both tokens', async () => {
      const tab = await signedIn();
      const before = new Map(tab.cookies);
      assert.equal((await tab.send('POST', '/refresh')).text, 'refreshed');
      assert.notEqual(tab.cookies.get(session), before.get(session));
      assert.notEqual(tab.cookies.get(refresh), before.get(refresh));
      assert.equal(await active(before.get(session)!), false);
      assert.equal((await tab.send('GET', '/me')).status, 200);
      const nobody = await new Tab(app.url).send('POST', '/refresh');
      assert.deepEqual([nobody.status >= 400, nobody.set], [true, []]);
    });

    test('of several cookies of one name, the valid one is found; a proxy may use Authorization for itself', async () => {
      const token = (await signedIn()).cookies.get(session)!;
      const stranger = `cfs_${'0'.repeat(token.length - 4)}`;
      for (const headers of [
        cookie(`${session}=${stranger}; ${session}=${token}`),
        cookie(`theme=dark; ${session}="${token}"`),
        { ...cookie(`${session}=${token}`), authorization: 'Basic eDp5' },
        { ...cookie(`${session}=${token}`), ...bearer('eyJhbGciOiJIUzI1NiJ9.e30.x') },
      ]) {
        assert.equal((await get('/me', headers as Record<string, string>)).status, 200, JSON.stringify(headers));
      }
    });

    test('a log-out ends the session and removes the cookies, also if only the refresh token is left', async () => {
      for (const left of [(tab: Tab) => tab, (tab: Tab) => tab.later()]) {
        const tab = await signedIn('lea');
        const token = tab.cookies.get(session)!;
        const leaving = left(tab);
        assert.equal((await leaving.send('POST', '/logout')).text, 'signed out');
        assert.deepEqual([...leaving.cookies], []);
        const { body } = await server.call('GET', '/v1/users/lea/sessions?status=active');
        assert.deepEqual(body.sessions, []);
        assert.equal((await get('/me', bearer(token))).status, 401);
        // Once more, with nothing left: that is no error.
        assert.equal((await leaving.send('POST', '/logout')).text, 'signed out');
      }
    });

    test('signing in again ends the session that the browser had', async () => {
      const tab = await signedIn('ada');
      const before = tab.cookies.get(session)!;
      await tab.send('POST', '/login', { userId: 'bob' });
      assert.equal(await active(before), false);
      assert.equal(JSON.parse((await tab.send('GET', '/me')).text).userId, 'bob');
    });

    test('while no server can be reached, nobody is let in, and nothing is signed in or out', async (t) => {
      const lost = await start(program, { CURFEW_URL: 'http://127.0.0.1:9', CURFEW_API_KEY: server.key });
      t.after(lost.stop);
      const tab = await signedIn();
      for (const cookies of [tab.cookies, tab.later().cookies]) {
        const answer = await new Tab(lost.url, cookies).send('GET', '/me');
        assert.deepEqual([answer.status, problem(answer).code, answer.set], [503, 'unreachable', []]);
        assert.equal(answer.headers.get('retry-after'), '1');
      }
      for (const [path, body] of [
        ['/login', { userId: 'ada' }],
        ['/logout', undefined],
        ['/refresh', undefined],
      ] as const) {
        const answer = await new Tab(lost.url, tab.cookies).send('POST', path, body);
        assert.deepEqual([answer.status >= 500, answer.set], [true, []], path);
      }
      assert.equal((await tab.send('GET', '/me')).status, 200);
    });
  });
}
