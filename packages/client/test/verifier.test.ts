import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CurfewApiError } from 'curfew-client';
import { type StreamEvents, Verifier } from 'curfew-client/fence';
import type { FromNode, FromVerifier } from 'curfew-client/protocol';
import { steps } from '../../curfew/test/fence/steps.ts';

const timeout = 5000;
const token = `cfs_${'x'.repeat(71)}`;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** What a server does with a verifier that connects. */
type Server = (events: StreamEvents, say: (message: FromNode) => void) => (message: FromVerifier) => void;

const silent: Server = () => () => {};

const serving: Server = (events, say) => {
  queueMicrotask(() => events.open());
  return (message) => {
    if (message.type === 'hello') say({ type: 'welcome', node: 'b', lease: 60_000, now: 0 });
    if (message.type === 'renew') say({ type: 'grant', ask: message.ask, length: 60_000, now: 0 });
  };
};

const storeDown = {
  code: 'store_unavailable',
  title: 'The store cannot be reached',
  remedy: 'Check that it runs.',
  status: 503,
};

const refusing: Server = (events, say) => {
  queueMicrotask(() => events.open());
  return (message) => {
    if (message.type === 'hello') say({ type: 'refused', trouble: storeDown });
  };
};

/** A verifier of these servers, in their order, and when it tried each. */
function verifierOf(servers: Record<string, Server>, onUnavailable?: (error: CurfewApiError) => void) {
  const { timing, move } = steps();
  const tried: [url: string, at: number][] = [];
  const verifier = new Verifier(
    { urls: Object.keys(servers), key: 'cfk_x', capacity: 100, timeout },
    {
      timing,
      random: () => 0,
      onUnavailable,
      holder: 'test',
      connect(url, events) {
        tried.push([url, timing.mono()]);
        const say = (message: FromNode) => queueMicrotask(() => events.message(JSON.stringify(message)));
        const hear = servers[url]!(events, say);
        return { send: (text) => hear(JSON.parse(text) as FromVerifier), close: () => {} };
      },
    },
  );
  return {
    verifier,
    tried,
    /** What is due is done one after another, as for a process that is not busy. */
    async move(to: number) {
      for (let now = timing.mono(); now < to; now = timing.mono()) {
        move(Math.min(to, now + 5));
        await settled();
      }
    },
  };
}

test('a server that accepts connections and never answers does not keep a verifier from another, within its timeout', async () => {
  const { verifier, move } = verifierOf({ silent, serving });
  const ready = verifier.ready();
  await move(timeout);
  await ready;
  assert.equal(verifier.statistics().node, 'b');
  verifier.close();
});

test('when no server has let a verifier attach in time, the next attempts may take longer, up to the timeout', async () => {
  const { verifier, tried, move } = verifierOf({ a: silent, b: silent });
  verifier.ready().catch(() => {});
  await move(60_000);
  const times = tried.map(([, at]) => at);
  const took = times.slice(1).map((at, i) => Math.floor((at - times[i]!) / 1000));
  assert.deepEqual(took.slice(0, 6), [2, 2, 4, 4, 5, 5]);
  verifier.close();
});

test('what one server refuses, another one is asked before it counts', async () => {
  const reported: string[] = [];
  const { verifier, move } = verifierOf({ refusing, serving }, ({ code }) => reported.push(code));
  const ready = verifier.ready();
  await move(timeout);
  await ready;
  assert.deepEqual([verifier.statistics().node, reported], ['b', []]);
  verifier.close();
});

test('once each server has been tried, the refusal of one is the reason, which nobody waits for any more', async () => {
  const reported: string[] = [];
  const { verifier, move, tried } = verifierOf({ refusing, silent }, ({ code }) => reported.push(code));
  const ended: { code?: string } = {};
  verifier.ready().catch((error: CurfewApiError) => Object.assign(ended, error));
  await move(1000);
  assert.deepEqual([tried.length, ended.code, reported], [2, undefined, []]);
  await move(2500);
  assert.deepEqual([ended.code, reported], ['store_unavailable', ['store_unavailable']]);
  verifier.close();
});

test('a verification ends in time, however that is divided between a server, a lease and an answer', async () => {
  const { promise, resolve } = Promise.withResolvers<(message: FromNode) => void>();
  const asked: number[] = [];
  const slow: Server = (events, say) => {
    queueMicrotask(() => events.open());
    return (message) => {
      if (message.type === 'hello') resolve(say);
      if (message.type === 'renew') asked.push(message.ask);
    };
  };
  const { verifier, move } = verifierOf({ slow });
  const verify = () => {
    const ended: { code?: string } = {};
    verifier.verify(token).catch((error: CurfewApiError) => Object.assign(ended, error));
    return ended;
  };
  const first = verify();
  await move(3000);
  const say = await promise;
  say({ type: 'welcome', node: 'a', lease: 4000, now: 0 });
  await settled();
  const grant = () => say({ type: 'grant', ask: asked.at(-1)!, length: 4000, now: 0 });
  grant();
  await move(timeout - 10);
  assert.equal(first.code, undefined);
  await move(timeout);
  assert.equal(first.code, 'timeout');
  // By now the lease has run out.
  await move(8000);
  const second = verify();
  await move(10_000);
  grant();
  await move(8000 + timeout - 10);
  assert.equal(second.code, undefined);
  await move(8000 + timeout);
  assert.equal(second.code, 'timeout');
  verifier.close();
});
