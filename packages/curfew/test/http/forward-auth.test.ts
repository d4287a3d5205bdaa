import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, METHODS, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { formatToken, newSecret } from '../../src/domain/tokens.ts';
import { headerText } from '../../src/http/headers.ts';
import { operations } from '../../src/http/routes/index.ts';
import { temporaryFolder } from '../stores/harness.ts';
import { startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { Nginx, nginxIsInstalled } from '../support/nginx.ts';
import { examples, readPage, root } from '../support/pages.ts';
import { random } from '../support/ports.ts';
import { handledByFramework } from '../support/routes.ts';
import { type Json, TestServer } from '../support/server.ts';

const path = '/v1/forward-auth';

type Heard = { status: number; headers: IncomingHttpHeaders; body: Json };

/** A request as a proxy sends it: any method, the path as it is, and a list of values as several headers. */
async function ask(
  { url }: { url: string },
  headers: Record<string, string | string[]>,
  { method = 'GET', at = path, body = '' } = {},
): Promise<Heard> {
  const sent = request(url, { method, path: at, headers, agent: false });
  sent.end(body || undefined);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk;
  return { status: answer.statusCode!, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** As a browser that wants a WebSocket sends them. */
const offer = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const cookie = (...tokens: string[]) => ({ cookie: tokens.map((token) => `__Host-curfew=${token}`).join('; ') });

describe('forward-auth', () => {
  let server: TestServer;
  let ada: Awaited<ReturnType<TestServer['createSession']>>;
  let ben: typeof ada;
  let ended: typeof ada;
  before(async () => {
    server = await TestServer.start();
    ada = await server.createSession('ada', { accessGroups: ['staff', 'billing'] });
    ben = await server.createSession('ben');
    ended = await server.createSession('eve', { accessGroups: ['staff'] });
    await server.call('DELETE', `/v1/sessions/${ended.session.id}`);
  });
  after(() => server.close());

  const refused = async (code: string, ...given: [Record<string, string | string[]>, object?]) => {
    const { status, headers, body } = await ask(server, ...given);
    assert.deepEqual([status, body?.code], [code === 'group_missing' ? 403 : 401, code]);
    assert.equal(headers['www-authenticate'], status === 401 ? 'Bearer' : undefined);
    assert.equal(headers['cache-control'], 'no-store');
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('x-curfew')),
      [],
    );
  };
  const passes = async (user: string, ...given: [Record<string, string | string[]>, object?]) => {
    const heard = await ask(server, ...given);
    assert.deepEqual([heard.status, heard.headers['x-curfew-user']], [200, user], JSON.stringify(heard.body));
    return heard;
  };

  test('lets an active session pass, by cookie or bearer, and names it', async () => {
    for (const credential of [bearer(ada.token), cookie(ada.token)]) {
      const { headers } = await passes('ada', credential);
      assert.equal(headers['x-curfew-session'], ada.session.id);
      assert.equal(headers['x-curfew-groups'], 'staff,billing');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['content-length'], '0');
    }
    const { headers } = await passes('ben', cookie(ben.token));
    assert.equal(headers['x-curfew-groups'], '', 'without groups the header is empty, and not absent');
  });

  test('refuses everything else, and names no session', async () => {
    await refused('authentication_required', {});
    await refused('authentication_required', { authorization: 'Basic YTpi' });
    await refused('authentication_required', { cookie: 'other=1' });
    await refused('token_malformed', bearer('cfs_x'));
    await refused('token_malformed', bearer(server.key));
    await refused('token_unknown', bearer(formatToken('session', ada.session.id, newSecret(random))));
    await refused('session_ended', cookie(ended.token));
  });

  test('a visitor’s offer of a WebSocket, which a proxy passes on, changes nothing', async () => {
    await passes('ada', { ...offer, ...cookie(ada.token) });
    await refused('session_ended', { ...offer, ...cookie(ended.token) });
    await refused('authentication_required', offer);
  });

  test('of two cookies of one name, the first valid one counts, in either order', async () => {
    await passes('ada', cookie(ended.token, ada.token));
    await passes('ada', cookie(ada.token, ended.token));
    await passes('ada', cookie('nonsense', ada.token, ben.token));
    await passes('ada', { cookie: [cookie(ended.token).cookie, cookie(ada.token).cookie] });
    await refused('session_ended', cookie(ended.token, 'nonsense'));
  });

  test('of a bearer token and a cookie, the token counts; another scheme does not', async () => {
    await passes('ada', { ...bearer(ada.token), ...cookie(ben.token) });
    await refused('session_ended', { ...bearer(ended.token), ...cookie(ada.token) });
    await passes('ada', { authorization: 'Basic YTpi', ...cookie(ada.token) });
  });

  test('headers that the client made up never come back', async () => {
    const spoofed = { 'x-curfew-user': 'root', 'x-curfew-session': 'x', 'x-curfew-groups': 'admin' };
    const { headers } = await passes('ben', { ...cookie(ben.token), ...spoofed });
    assert.deepEqual([headers['x-curfew-session'], headers['x-curfew-groups']], [ben.session.id, '']);
    await refused('authentication_required', spoofed);
  });

  test('an id and groups that cannot stand in a header arrive as in a URL', async () => {
    const [userId, groups] = ['ä/b, 100 % x: y', ['a,b', '日本', 'plain@x']];
    const { token } = await server.createSession(userId, { accessGroups: groups });
    const { headers } = await ask(server, cookie(token));
    assert.equal(headers['x-curfew-user'], '%C3%A4/b%2C%20100%20%25%20x:%20y');
    assert.equal(decodeURIComponent(String(headers['x-curfew-user'])), userId);
    assert.deepEqual(String(headers['x-curfew-groups']).split(',').map(decodeURIComponent), groups);
  });

  test('any value becomes visible ASCII without a comma, and can be read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (value) => {
        assert.match(headerText(value), /^[!-~]*$/);
        assert.doesNotMatch(headerText(value), /,/);
        assert.equal(decodeURIComponent(headerText(value)), value);
      }),
    );
  });

  test('a group can be required', async () => {
    await passes('ada', cookie(ada.token), { at: `${path}?group=staff` });
    await passes('ada', cookie(ada.token), { at: `${path}/?group=none` });
    await refused('group_missing', cookie(ben.token), { at: `${path}?group=staff` });
    await refused('group_missing', cookie(ada.token), { at: `${path}?group=Staff` });
    await refused('session_ended', cookie(ended.token), { at: `${path}?group=staff` });
    for (const [query, code] of [
      ['group=', 'invalid_value'],
      ['group=a&group=b', 'wrong_type'],
      ['groups=staff', 'unknown_field'],
      ['login=//evil.example', 'invalid_value'],
    ] as const) {
      const { status, body } = await ask(server, cookie(ada.token), { at: `${path}?${query}` });
      assert.deepEqual([status, body.code], [400, code], query);
    }
  });

  test('a browser without a session is sent to sign in, if the proxy says where; nobody else is', async () => {
    const html = { accept: 'text/html,application/xhtml+xml' };
    const at = `${path}?login=${encodeURIComponent('/login?a=b')}`;
    const where = async (headers: Record<string, string>, from = at) => {
      const { status, headers: heard } = await ask(server, headers, { at: from });
      return [status, heard.location];
    };
    assert.deepEqual(await where({ ...html, 'x-forwarded-uri': '/orders?page=2' }), [
      302,
      '/login?a=b&return_to=%2Forders%3Fpage%3D2',
    ]);
    assert.deepEqual(await where({ ...html, ...cookie(ended.token) }), [302, '/login?a=b']);
    assert.deepEqual(await where({ ...html, ...cookie(ada.token) }), [200, undefined]);
    assert.deepEqual(await where({ accept: 'application/json' }), [401, undefined]);
    assert.deepEqual(await where({}), [401, undefined]);
    assert.deepEqual(await where(html, path), [401, undefined]);
    assert.deepEqual(await where({ ...html, ...cookie(ben.token) }, `${at}&group=staff`), [403, undefined]);
    for (const uri of ['//evil.example', '/\\evil.example', 'https://evil.example', '/a b', `/${'x'.repeat(3000)}`]) {
      assert.deepEqual(await where({ ...html, 'x-forwarded-uri': uri }), [302, '/login?a=b'], uri.slice(0, 20));
    }
  });

  test('no redirect leads to another host', async () => {
    for (const login of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '\\\\evil',
      '',
      'login',
      '/a#b',
    ]) {
      const at = `${path}?login=${encodeURIComponent(login)}`;
      const { status, headers } = await ask(server, { accept: 'text/html' }, { at });
      assert.deepEqual([status, headers.location], [400, undefined], login);
    }
    const visitors = await ask(server, { accept: 'text/html' }, { at: `${path}/a?login=/elsewhere` });
    assert.deepEqual([visitors.status, visitors.headers.location], [401, undefined]);
  });

  test('every method and every path below it are answered alike', async () => {
    for (const method of METHODS.filter((one) => one !== 'CONNECT')) {
      await passes('ada', cookie(ada.token), { method });
      const { status } = await ask(server, cookie(ended.token), { method });
      assert.equal(status, 401, method);
    }
    for (const below of ['/', '/orders/1?group=none&x=%zz', '/%zz', '/../v1/keys', '//', `/${'x'.repeat(5000)}`]) {
      await passes('ada', cookie(ada.token), { at: path + below });
      await refused('authentication_required', {}, { at: path + below });
    }
    assert.equal((await ask(server, cookie(ada.token), { at: `${path}s` })).status, 404);
  });

  test('a cookie whose name only looks like ours, because a byte 0xA0 is before it, is not ours', async () => {
    for (const blank of ['\xa0', ' \xa0', '\xa0 ', '\t\xa0']) {
      const header = { cookie: `theme=dark;${blank}__Host-curfew=${ada.token}` };
      await refused('authentication_required', header);
      const me = await server.call('GET', '/v1/me', undefined, { as: '', headers: header });
      assert.equal(me.body.code, 'authentication_required', JSON.stringify(blank));
    }
    await passes('ada', { cookie: `theme=dark;\t __Host-curfew=${ada.token} \t; a=b` });
  });

  test('a body is neither needed, nor read, nor taken for the next request', async () => {
    const type = { 'content-type': 'weird' };
    await passes('ada', { ...cookie(ada.token), ...type }, { method: 'POST', body: 'x'.repeat(1000) });
    await refused('authentication_required', type, { method: 'PUT', body: '{' });
    for (const [credential, status] of [
      [`cookie: __Host-curfew=${ada.token}\r\n`, 200],
      ['', 401],
    ] as const) {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\n${credential}content-length: 1000\r\n\r\n`);
      const [heard] = await once(socket.setEncoding('utf8'), 'data');
      assert.match(heard, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(heard, /\r\nconnection: close\r\n/i);
      await once(socket, 'close');
    }
  });

  test('sessions are answered without the framework, and like by the framework', async () => {
    const seen = ({ status, headers: { date: _date, connection: _connection, ...headers }, body }: Heard) => ({
      status,
      headers,
      body: body && { ...body, instance: undefined },
    });
    const html = { accept: 'text/html' };
    const calls: [Record<string, string>, string, boolean][] = [
      [cookie(ada.token), path, true],
      [bearer(ada.token), `${path}?group=staff`, true],
      [cookie(ended.token, ada.token), `${path}/a/b?c=d`, true],
      [{ ...html, ...cookie(ended.token) }, `${path}?login=/login`, true],
      [cookie(ended.token), path, false],
      [cookie(ben.token), `${path}?group=staff`, false],
      [bearer(server.key), path, false],
    ];
    for (const [headers, at, isFast] of calls) {
      let short: Heard | undefined;
      const handled = await handledByFramework(async () => {
        short = await ask(server, headers, { at, method: 'PATCH' });
      });
      // A request that announces a body goes through the framework.
      const long = await ask(server, headers, { at, method: 'PATCH', body: 'x' });
      assert.deepEqual(seen(short!), seen(long), at);
      assert.equal(handled, isFast ? 0 : 1, at);
    }
  });

  test('after an end, the very next request is refused', async () => {
    const { token, session } = await server.createSession('zoe');
    for (let i = 0; i < 3; i++) await passes('zoe', cookie(token));
    await server.call('DELETE', `/v1/sessions/${session.id}`);
    await refused('session_ended', cookie(token));
  });

  test('in doubt the answer is 503, and nobody passes', async (t) => {
    let now = Date.now();
    const doubtful = await TestServer.start({}, { now: () => now });
    t.after(() => doubtful.close());
    const { token } = await doubtful.createSession('ada');
    assert.equal((await ask(doubtful, cookie(token))).status, 200);
    // No deadline can be checked now.
    now -= 3_600_000;
    const html = { accept: 'text/html', ...cookie(token) };
    for (const at of [path, `${path}?login=/login`, `${path}/a`]) {
      const { status, headers, body } = await ask(doubtful, html, { at });
      assert.deepEqual([status, body.code, headers['x-curfew-user']], [503, 'clock_stepped_back', undefined]);
    }
    now += 3_600_000;
  });
});

/** What each proxy sends for a visitor's `POST /orders/7?page=2` at `https://shop.example`, and what it needs back. */
describe('the wire shapes of proxies', () => {
  let server: TestServer;
  let token: string;
  before(async () => {
    server = await TestServer.start({ CURFEW_TRUST_PROXY: 'loopback' });
    ({ token } = await server.createSession('ada', { accessGroups: ['staff'] }));
  });
  after(() => server.close());

  const forwarded = {
    'x-forwarded-method': 'POST',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example',
    'x-forwarded-uri': '/orders/7?page=2',
    'x-forwarded-for': '203.0.113.9',
  };
  const html = { accept: 'text/html' };
  const shapes: Record<string, { method: string; at: string; headers: Record<string, string> }> = {
    'Traefik ForwardAuth': {
      method: 'GET',
      at: `${path}?group=staff&login=/login`,
      headers: { ...forwarded, 'x-forwarded-server': 'traefik', 'x-forwarded-port': '443' },
    },
    'Caddy forward_auth': { method: 'GET', at: `${path}?login=/login`, headers: { host: 'curfew:2873', ...forwarded } },
    'Envoy ext_authz': {
      method: 'POST',
      at: `${path}/orders/7?page=2`,
      headers: {
        host: 'shop.example',
        'content-length': '0',
        'x-forwarded-for': '203.0.113.9',
        'x-envoy-internal': 'true',
      },
    },
  };
  for (const [name, { method, at, headers }] of Object.entries(shapes)) {
    test(`${name} gets 200 and the session's headers, or a refusal that it passes on`, async () => {
      const passed = await ask(server, { ...headers, ...cookie(token) }, { method, at });
      assert.equal(passed.status, 200);
      for (const header of ['x-curfew-user', 'x-curfew-session', 'x-curfew-groups']) assert.ok(passed.headers[header]);
      const refused = await ask(server, { ...headers, ...cookie('cfs_none') }, { method, at });
      assert.deepEqual([refused.status, refused.headers['www-authenticate']], [401, 'Bearer']);
      const browser = await ask(server, { ...headers, ...html }, { method, at });
      const sent = [302, '/login?return_to=%2Forders%2F7%3Fpage%3D2'];
      assert.deepEqual([browser.status, browser.headers.location], at.includes('login') ? sent : [401, undefined]);
    });
  }
});

/** What somebody may add to each location that passes requests on. */
const additions: Record<string, string> = {
  'as it is': '',
  'with another header in each location': 'proxy_set_header Host $host;',
};

for (const [what, addition] of Object.entries(additions)) {
  describe(`the nginx configuration in docs/forward-auth.md, ${what}`, {
    skip: !nginxIsInstalled,
    timeout: 60_000,
  }, () => {
    const [example] = examples('nginx', readPage('docs/forward-auth.md'));
    let server: TestServer;
    let nginx: Nginx;
    before(async () => {
      server = await TestServer.start({ CURFEW_TRUST_PROXY: 'loopback' });
      nginx = await Nginx.start((port) =>
        `
        ${example!
          .replace('127.0.0.1:2873', new URL(server.url).host)
          .replace('listen 80;', `listen 127.0.0.1:${port};`)
          .replaceAll('http://127.0.0.1:3000;', `http://127.0.0.1:${port}/application/; ${addition}`)}
        # An application that shows what it was told.
        `.replace(
          /\}\s*# An application/,
          `location /application/ {
             return 200 "user=$http_x_curfew_user session=$http_x_curfew_session groups=$http_x_curfew_groups";
           }
         }
         # An application`,
        ),
      );
    });
    after(async () => {
      await nginx.remove();
      await server.close();
    });

    const get = async (headers: Record<string, string>, at = '/') => {
      const { status, headers: heard, body } = await getText(nginx.url, at, headers);
      return { status, heard, body };
    };

    test('an active session passes with its names, whatever the client made up', async () => {
      const { token, session } = await server.createSession('ada', { accessGroups: ['staff', 'a,b'] });
      const spoofed = { 'x-curfew-user': 'root', 'x-curfew-groups': 'admin' };
      const { status, body } = await get({ ...cookie(token), ...spoofed });
      assert.deepEqual([status, body], [200, `user=ada session=${session.id} groups=staff,a%2Cb`]);
      const bare = await server.createSession('ben');
      assert.equal(
        (await get({ ...cookie(bare.token), ...spoofed })).body,
        `user=ben session=${bare.session.id} groups=`,
      );
    });

    test('nobody else passes, and the answer says how to authenticate', async () => {
      const { status, heard } = await get({});
      assert.deepEqual([status, heard['www-authenticate']], [401, 'Bearer']);
      assert.equal((await get({ 'x-curfew-user': 'root' })).status, 401);
    });

    test('a group that is required for a path is required there', async () => {
      const staff = await server.createSession('ada', { accessGroups: ['staff'] });
      const other = await server.createSession('ben');
      const { status, body } = await get({ ...cookie(staff.token), 'x-curfew-user': 'root' }, '/staff/');
      assert.deepEqual([status, body], [200, `user=ada session=${staff.session.id} groups=staff`]);
      assert.equal((await get(cookie(other.token), '/staff/')).status, 403);
      assert.equal((await get(cookie(other.token), '/')).status, 200);
    });

    test('after an end, the very next request is refused, on kept connections too', async () => {
      const { token, session } = await server.createSession('ada');
      for (let i = 0; i < 5; i++) assert.equal((await get(cookie(token))).status, 200);
      await server.call('DELETE', `/v1/sessions/${session.id}`);
      assert.equal((await get(cookie(token))).status, 401);
    });

    test('the body of a request stays with the request', async () => {
      const { token } = await server.createSession('ada');
      for (let i = 0; i < 5; i++) {
        const response = await fetch(nginx.url, { method: 'POST', headers: cookie(token), body: 'x'.repeat(5000) });
        assert.equal(response.status, 200);
      }
    });
  });
}

test('every configuration of Traefik in the pages that sends people to sign in keeps the path that it sends them to', () => {
  const pages = globSync('docs/**/*.md', { cwd: root });
  const blocks = pages.flatMap((page) =>
    examples('yaml', readPage(page)).filter((one) => one.includes('forwardAuth:')),
  );
  assert.ok(blocks.length > 0);
  for (const block of blocks.filter((one) => one.includes('login='))) {
    assert.match(block, /^ +preserveLocationHeader: true$/m, block);
  }
});

test('the configurations of Traefik and Envoy let no name through that an application takes for one of the three', () => {
  const blocks = examples('yaml', readPage('docs/forward-auth.md'));
  const traefik = blocks.find((one) => one.includes('forwardAuth:'))!;
  const headers = /^ +authResponseHeaders: \[(.*)\]$/m.exec(traefik)![1]!.split(', ');
  assert.deepEqual(headers, ['X-Curfew-User', 'X-Curfew-Session', 'X-Curfew-Groups']);
  const removed = [...traefik.matchAll(/^ {10}(\S+): ""$/gm)].map(([, name]) => name!);
  const aliases = headers.flatMap((name) =>
    ['$1_$2_$3', '$1_$2-$3', '$1-$2_$3'].map((form) => name.replace(/^(\w+)-(\w+)-(\w+)$/, form)),
  );
  assert.deepEqual(removed, aliases);
  assert.match(traefik, /^ {4}curfew:\n {6}chain:\n {8}middlewares: \[curfew-names, curfew-session\]$/m);
  const envoy = blocks.find((one) => one.includes('ext_authz'))!;
  assert.match(envoy, /^common_http_protocol_options:\n {2}headers_with_underscores_action: REJECT_REQUEST$/m);
});

const caddyIsInstalled = spawnSync('caddy', ['version']).status === 0;

describe('the Caddyfile in docs/forward-auth.md', { skip: !caddyIsInstalled, timeout: 60_000 }, () => {
  const folder = temporaryFolder();
  let server: TestServer;
  let application: Server;
  let caddy: ChildProcess;
  let url: string;
  before(async () => {
    server = await TestServer.start({ CURFEW_TRUST_PROXY: 'loopback' });
    // An application that shows what it was told.
    application = createServer(({ headers }, response) => {
      const told = Object.entries(headers).filter(([name]) => /^x.curfew./.test(name));
      response.end(JSON.stringify(Object.fromEntries(told)));
    }).listen(0, '127.0.0.1');
    await once(application, 'listening');
    url = `http://127.0.0.1:${await freePort()}`;
    const [example] = examples('caddyfile', readPage('docs/forward-auth.md'));
    const config = example!
      .replace('shop.example', url)
      .replace('curfew:2873', new URL(server.url).host)
      .replace('127.0.0.1:3000', `127.0.0.1:${(application.address() as AddressInfo).port}`);
    writeFileSync(join(folder.path, 'Caddyfile'), `{\n  admin off\n  auto_https off\n}\n${config}`);
    const own = startChild(['caddy', 'run', '--config', join(folder.path, 'Caddyfile')], {
      env: { PATH: process.env['PATH'], HOME: folder.path },
    });
    caddy = own;
    let told = '';
    await new Promise<void>((resolve, reject) => {
      // It is read to its end: a program that writes to a closed pipe is killed.
      own.stderr.setEncoding('utf8').on('data', (text: string) => {
        told += text;
        if (told.includes('serving initial configuration')) resolve();
      });
      own.once('exit', (code) => reject(new Error(`Caddy ended with ${code}: ${told}`)));
    });
  });
  after(async () => {
    caddy.kill('SIGKILL');
    application.close();
    application.closeAllConnections();
    await server.close();
    folder.remove();
  });

  test('an active session passes with its names, and nothing that the client made up', async () => {
    const { token, session } = await server.createSession('ada', { accessGroups: ['staff'] });
    const spoofed = {
      'x-curfew-user': 'root',
      'x-curfew-groups': 'admin',
      'x-curfew-more': 'x',
      X_Curfew_User: 'root',
      'X-Curfew_User': 'root',
      'x_curfew-user': 'root',
      'X.Curfew.User': 'root',
    };
    const names = (text: string) => JSON.parse(text);
    assert.deepEqual(names((await getText(url, '/', { ...cookie(token), ...spoofed })).body), {
      'x-curfew-user': 'ada',
      'x-curfew-session': session.id,
      'x-curfew-groups': 'staff',
    });
    const bare = await server.createSession('ben');
    const { body } = await getText(url, '/', { ...cookie(bare.token), ...spoofed });
    assert.equal(names(body)['x-curfew-groups'] ?? '', '');
    await server.call('DELETE', `/v1/sessions/${session.id}`);
    assert.equal((await getText(url, '/', cookie(token))).status, 401);
  });

  test('a WebSocket of an active session passes, and no other does', async () => {
    const { token, session } = await server.createSession('ada');
    const passed = await ask({ url }, { ...offer, ...cookie(token) }, { at: '/' });
    assert.deepEqual([passed.status, passed.body['x-curfew-session']], [200, session.id]);
    assert.equal((await ask({ url }, { ...offer, ...cookie('cfs_none') }, { at: '/' })).status, 401);
  });

  test('a browser is sent to sign in, and returns to where it wanted to go', async () => {
    const { status, headers } = await getText(url, '/orders?page=2', { accept: 'text/html' });
    assert.deepEqual([status, headers['location']], [302, '/login?return_to=%2Forders%3Fpage%3D2']);
    assert.equal((await getText(url, '/orders', { accept: 'application/json' })).status, 401);
  });
});

async function getText(url: string, at: string, headers: Record<string, string>) {
  const response = await fetch(url + at, { headers, redirect: 'manual' });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}

test('an operation for proxies is open: it decides by itself what it lets through', () => {
  for (const { forProxies, access, body, params } of operations) {
    if (forProxies) assert.deepEqual([access, body, params], ['open', undefined, undefined]);
  }
});
