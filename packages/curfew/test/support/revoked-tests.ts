import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { createVerifier } from 'curfew-client/verifier';
import { serve } from '../../src/start/serve.ts';
import { attachRaw } from './raw-verifier.ts';
import { type Answer, type Json, TestServer } from './server.ts';

/** Milliseconds: one that does not run out on a busy machine, and one for tests that wait until it has. */
const [long, short] = [20_000, 2000];

/**
 * A revocation applies everywhere at once: with several servers on one store, once a call at one of them is answered,
 * it applies at the other too. An embedded store has one server, which is both.
 */
export function testRevoked(kind: 'lmdb' | 'redis' | 'postgres', options: { skip?: boolean } = {}): void {
  describe(`revocation on ${kind}`, options, () => {
    /** `there`: calls at the other server. */
    const fleet = async (t: TestContext, lease: number = long) => {
      const server = await TestServer.start({ CURFEW_LEASE_MS: String(lease) }, undefined, kind);
      t.after(() => server.close());
      if (kind === 'lmdb') return { server, there: server.call.bind(server) };
      const second = await serve({
        ...server.env,
        CURFEW_PORT: '0',
        CURFEW_LOG_LEVEL: 'silent',
        CURFEW_LEASE_MS: String(lease),
      });
      t.after(() => second.close());
      const there = async (method: string, path: string, body?: unknown): Promise<Answer> => {
        const answer = await fetch(second.url + path, {
          method,
          headers: {
            authorization: `Bearer ${server.key}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
          },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        return { status: answer.status, headers: answer.headers, body: await answer.json() };
      };
      return { server, there };
    };
    const keyWith = async (server: TestServer, ...scopes: string[]): Promise<{ key: Json; token: string }> =>
      (await server.call('POST', '/v1/keys', { name: 'app', scopes })).body;
    const person = async (server: TestServer) => {
      const username = `auditor-${crypto.randomUUID().slice(0, 8)}`;
      const { id } = await server.createAccount(username, { roles: ['auditor'] });
      return { id, ...(await server.login(username, `${username} password`)).body };
    };

    test('N2.1, N2.2: once the revocation of a key returns, with a receipt, no server accepts the key; its streams have ended, others have not', async (t) => {
      const { server, there } = await fleet(t);
      const { key, token } = await keyWith(server, 'events.read', 'sessions.verify', 'fence.attach');
      const stays = await keyWith(server, 'events.read', 'fence.attach');
      const session = await server.createSession();
      const verify = () => server.call('POST', '/v1/sessions/verify', { token: session.token }, { as: token });
      assert.equal((await verify()).body.active, true);
      const [verifier, other] = [token, stays.token].map((one) => createVerifier({ url: server.url, key: one }));
      t.after(() => verifier!.close());
      t.after(() => other!.close());
      for (const one of [verifier!, other!]) assert.ok((await one.verify(session.token)).active);
      const [stream, otherStream] = [await follow(server, token), await follow(server, stays.token)];
      // One on which nothing is sent: only the revocation itself can end it.
      const quiet = await follow(server, token, 'factor.removed');
      t.after(() => otherStream.leave());

      const { status, body } = await there('DELETE', `/v1/keys/${key.id}`);
      assert.equal(status, 200);
      assert.ok(body.key.revokedAt);
      assert.equal(body.receipt.endedAt, body.key.revokedAt);
      assert.deepEqual([body.receipt.everywhere, body.receipt.by], [true, 'acks']);
      assert.equal(verifier!.check(session.token), undefined, 'its verifier answers from memory');
      for (const refused of [await verify(), await server.call('GET', '/v1/events', undefined, { as: token })]) {
        assert.deepEqual([refused.status, refused.body.code], [401, 'key_revoked']);
      }
      await assert.rejects(verifier!.verify(session.token), { code: 'key_revoked' });
      assert.doesNotMatch(await stream.end, /key\.revoked/, 'it delivered a later event');
      const returned = performance.now();
      await quiet.end;
      assert.ok(performance.now() - returned < 10_000, 'the stream ended only at its next read of the store');
      assert.ok(other!.check(session.token), 'the verifier of another key was disturbed');
      await otherStream.hears('key.revoked');

      const again = await there('DELETE', `/v1/keys/${key.id}`);
      assert.equal(again.body.receipt.endedAt, body.receipt.endedAt);
      assert.ok(again.body.receipt.sequence >= body.receipt.sequence);
      const stored = await server.call('DELETE', `/v1/keys/${stays.key.id}?wait=stored`);
      assert.equal(stored.body.receipt.everywhere, false);
    });

    test('N2.2: a key that is in use all the time, and so is known to its server, is refused from the moment its revocation returns', async (t) => {
      const { server, there } = await fleet(t);
      const { key, token } = await keyWith(server, 'sessions.verify');
      const session = await server.createSession();
      const accepted: number[] = [];
      let over = false;
      const use = async () => {
        while (!over) {
          const began = performance.now();
          const { status, body } = await server.call(
            'POST',
            '/v1/sessions/verify',
            { token: session.token },
            { as: token },
          );
          if (status === 200) accepted.push(began);
          else assert.deepEqual([status, body.code], [401, 'key_revoked']);
        }
      };
      const users = Array.from({ length: 4 }, use);
      while (accepted.length < 100) await new Promise((resolve) => setTimeout(resolve, 5));
      const { body } = await there('DELETE', `/v1/keys/${key.id}`);
      const returned = performance.now();
      assert.deepEqual([body.receipt.everywhere, body.receipt.by], [true, 'acks']);
      await new Promise((resolve) => setTimeout(resolve, 200));
      over = true;
      await Promise.all(users);
      assert.equal(accepted.filter((began) => began > returned).length, 0);
    });

    test('N2.1: a verifier that never renews and says nothing is disconnected as well, and gets no more answers', async (t) => {
      const { server, there } = await fleet(t);
      const { key, token } = await keyWith(server, 'fence.attach');
      const session = await server.createSession();
      const mute = await attachRaw(server.url, token);
      mute.say({ type: 'ask', question: 1, token: session.token });
      assert.ok((await mute.hear('answer')).answer.active);
      const closed = once(mute.socket, 'close');
      const { receipt } = (await there('DELETE', `/v1/keys/${key.id}`)).body;
      // It held no lease, so nobody has to wait for it.
      assert.deepEqual([receipt.everywhere, receipt.by], [true, 'acks']);
      assert.equal((await mute.hear('refused')).trouble.code, 'key_revoked');
      mute.say({ type: 'ask', question: 2, token: session.token });
      const answered = mute.hear('answer').then(() => 'answered');
      assert.equal(await Promise.race([answered, closed.then(() => 'closed')]), 'closed');
    });

    test('a revocation waits for a frozen verifier until its lease has run out', async (t) => {
      const { server, there } = await fleet(t, short);
      const { key, token } = await keyWith(server, 'fence.attach');
      const frozen = await attachRaw(server.url, token, { name: 'frozen' });
      frozen.say({ type: 'renew', ask: 1, seen: [] });
      const granted = performance.now();
      const { length } = await frozen.hear('grant');
      const { receipt } = (await there('DELETE', `/v1/keys/${key.id}`)).body;
      assert.ok(performance.now() - granted >= length, 'it returned while the verifier’s lease was still valid');
      assert.equal(receipt.everywhere, true);
      frozen.socket.terminate();
    });

    const ways: Record<
      string,
      (there: (...asked: [string, string, unknown?]) => Promise<Answer>, who: Json) => unknown
    > = {
      'the session ends': (there, { session }) => there('DELETE', `/v1/sessions/${session.id}`),
      'all of the user end': (there, { id }) => there('DELETE', `/v1/users/${id}/sessions`),
      'everybody is signed out': (there) => there('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' }),
      'the account is disabled': (there, { id }) => there('PATCH', `/v1/accounts/${id}`, { disabled: true }),
      'the account is deleted': (there, { id }) => there('DELETE', `/v1/accounts/${id}`),
      'its token is replaced': (there, { refreshToken }) => there('POST', '/v1/sessions/refresh', { refreshToken }),
    };
    test('N2.3: a stream of events ends with its session or its rights: by any end, by its account, by a new token', async (t) => {
      const { server, there } = await fleet(t);
      const neighbour = await follow(server, server.key);
      t.after(() => neighbour.leave());
      for (const [how, end] of Object.entries(ways)) {
        const who = await person(server);
        const stream = await follow(server, who.token);
        const answer = (await end(there, who)) as Answer;
        assert.ok(answer.status < 300, `${how}: ${JSON.stringify(answer.body)}`);
        const after = await there('POST', '/v1/sessions', { userId: 'later' });
        const told = await stream.end;
        assert.ok(!told.includes(after.body.session.id), `${how}: it delivered a later event`);
        await neighbour.hears(after.body.session.id);
      }
    });

    test('N2.3: a caller that may no longer read events gets none, and the stream ends; others are not disturbed', async (t) => {
      const { server, there } = await fleet(t);
      const [who, kept] = [await person(server), await person(server)];
      const [stream, keptStream] = [await follow(server, who.token), await follow(server, kept.token)];
      t.after(() => keptStream.leave());
      // Both are affected by this, and nothing ends.
      for (const { id } of [who, kept]) await there('POST', `/v1/users/${id}/access-groups`, { add: ['staff'] });
      const before = (await there('POST', '/v1/sessions', { userId: 'before' })).body.session.id;
      for (const one of [stream, keptStream]) await one.hears(before);
      await there('PATCH', `/v1/accounts/${who.id}`, { roles: ['member'] });
      const after = (await there('POST', '/v1/sessions', { userId: 'after' })).body.session.id;
      assert.ok(!(await stream.end).includes(after));
      await keptStream.hears(after);
    });
  });
}

/** A stream of events that has begun. */
export async function follow(server: TestServer, token: string, type?: string) {
  const leaving = new AbortController();
  const response = await fetch(`${server.url}/v1/events${type === undefined ? '' : `?type=${type}`}`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    signal: leaving.signal,
  });
  assert.equal(response.status, 200);
  let told = '';
  let wake = () => {};
  const end = (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      told += chunk;
      wake();
    }
    return told;
  })();
  end.catch(() => {});
  const hears = async (text: string) => {
    while (!told.includes(text)) {
      await Promise.race([
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
        end.then(() => assert.fail(`the stream ended without ${text}`)),
      ]);
    }
  };
  await hears('events follow');
  return { hears, leave: () => leaving.abort(), /** Everything delivered, once the stream has ended. */ end };
}
