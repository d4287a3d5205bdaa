import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { moment } from '../../src/cli/option-values.ts';
import { startChild } from '../support/child.ts';
import { commandLine, runCli } from '../support/process.ts';
import { type Json, TestServer } from '../support/server.ts';

test('a moment is a date, a date with a time, or a time ago, and nothing else', () => {
  const now = Date.UTC(2026, 10, 26, 12);
  assert.equal(moment('2h', now), '2026-11-26T10:00:00.000Z');
  assert.equal(moment('3d', now), '2026-11-23T12:00:00.000Z');
  assert.equal(moment('2026-11-26', now), '2026-11-26T00:00:00.000Z');
  assert.equal(moment('2026-11-26T14:30', now), '2026-11-26T14:30:00.000Z');
  assert.equal(moment('2026-11-26T14:30+02:00', now), '2026-11-26T12:30:00.000Z');
  for (const wrong of ['', 'yesterday', '2', 'h', '2026-13-40', '2026', '-2h', '2026-11-26T25:00Z']) {
    assert.throws(() => moment(wrong, now), InvalidArgumentError, wrong);
  }
});

describe('the audit trail at the command line', () => {
  let server: TestServer;
  let olga: Json;
  const home = mkdtempSync(join(tmpdir(), 'curfew-home-'));
  const env = () => ({
    CURFEW_URL: server.url,
    CURFEW_TOKEN: server.key,
    XDG_CONFIG_HOME: home,
    NO_COLOR: '1',
    COLUMNS: '200',
  });
  before(async () => {
    server = await TestServer.start();
    olga = await server.createAccount('olga');
  });
  after(async () => {
    await server.close();
    rmSync(home, { recursive: true });
  });

  test('it is searched by user, actor, type and time, with names beside ids; an error names the option with the wrong value', async () => {
    const { body } = await server.login('olga', 'olga password');
    await server.createSession('zoe');
    await server.call('DELETE', `/v1/sessions/${body.session.id}`, undefined, { as: body.token });
    const found = await runCli(['events', '--since', '1h', '--actor', 'olga', '--type', 'session.ended'], env());
    assert.equal(found.code, 0, found.err);
    const [head, ...rows] = found.out.trimEnd().split('\n');
    assert.match(head!, /^WHEN \(UTC\) +TYPE +BY +USER +DETAILS$/);
    assert.equal(rows.length, 1);
    assert.match(rows[0]!, new RegExp(`session\\.ended +user:olga.* +olga \\(${olga.id}\\) +logout`));
    const wrong = await runCli(['events', '--since', 'yesterday'], env());
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /option '--since <when>' argument 'yesterday' is invalid\. It must be a date/);
  });

  test('--follow prints events since then, and new events as they happen, one line of JSON each', async (t) => {
    const first = await server.createSession('before');
    const args = ['--json', 'events', '--follow', '--since', '1h', '--type', 'session.created'];
    const child = startChild([process.execPath, ...commandLine, ...args], {
      env: { PATH: process.env['PATH'], ...env() },
    });
    t.after(() => child.kill('SIGKILL'));
    const seen: string[] = [];
    let after: Awaited<ReturnType<typeof server.createSession>> | undefined;
    for await (const line of createInterface(child.stdout)) {
      const event = JSON.parse(line) as Json;
      seen.push(event.sessionId);
      if (event.sessionId === first.session.id) after = await server.createSession('after');
      if (event.sessionId === after?.session.id) break;
    }
    assert.equal(new Set(seen).size, seen.length, 'an event was printed twice');
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });

  test('--follow without --since prints new events only, including those of the time when a connection was lost', async (t) => {
    await server.createSession('before');
    const proxy = await proxyThatCutsTheFirstStream(server.url);
    t.after(() => proxy.close());
    const { port } = proxy.address() as { port: number };
    const args = ['--json', 'events', '--follow', '--url', `http://127.0.0.1:${port}`];
    const child = startChild([process.execPath, ...commandLine, ...args], {
      env: { PATH: process.env['PATH'], ...env() },
    });
    t.after(() => child.kill('SIGKILL'));
    const [lost] = await once(createInterface(child.stderr), 'line');
    assert.match(lost, /connection was lost/);
    const { session } = await server.createSession('meanwhile');
    const [line] = await once(createInterface(child.stdout), 'line');
    assert.equal((JSON.parse(line) as Json).sessionId, session.id);
  });

  test('--follow reports events that may be missing, and continues', async (t) => {
    // To the server, this looks like a reader that knows more than the store, which was restored from a backup.
    const proxy = createServer(({ url, headers }, reply) => {
      const last = headers['last-event-id'];
      const ahead = last === undefined ? headers : { ...headers, 'last-event-id': '1000000' };
      request(new URL(url!, server.url), { headers: ahead }, (answer) => {
        reply.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(reply);
      }).end();
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.after(() => proxy.close());
    const { port } = proxy.address() as { port: number };
    const args = ['--json', 'events', '--follow', '--url', `http://127.0.0.1:${port}`];
    const child = startChild([process.execPath, ...commandLine, ...args], {
      env: { PATH: process.env['PATH'], ...env() },
    });
    t.after(() => child.kill('SIGKILL'));
    const [told] = await once(createInterface(child.stderr), 'line');
    assert.match(told, /^Events after 1000000 may be missing: the store was failed over or restored\.$/);
    const { session } = await server.createSession('next');
    const [line] = await once(createInterface(child.stdout), 'line');
    assert.equal((JSON.parse(line) as Json).sessionId, session.id);
  });
});

/** Passes requests on; the first stream of events breaks as soon as it has begun. */
async function proxyThatCutsTheFirstStream(url: string): Promise<Server> {
  let toCut = true;
  const proxy = createServer((asked, reply) => {
    request(new URL(asked.url!, url), { headers: asked.headers }, (answer) => {
      reply.writeHead(answer.statusCode!, answer.headers);
      const isStream = answer.headers['content-type']?.startsWith('text/event-stream');
      if (isStream && toCut) answer.once('data', (chunk) => reply.write(chunk, () => reply.destroy()));
      else answer.pipe(reply);
      if (isStream) toCut = false;
    }).end();
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return proxy;
}
