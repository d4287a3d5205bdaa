import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { newId } from '../../src/domain/ids.ts';
import { formatToken, newSecret } from '../../src/domain/tokens.ts';
import { type MetricName, metricList } from '../../src/http/metric-list.ts';
import { random } from '../support/ports.ts';
import { attachRaw } from '../support/raw-verifier.ts';
import { adminPassword, TestServer } from '../support/server.ts';

type Family = { type: string; help: string; samples: { name: string; labels: Map<string, string>; value: number }[] };

/** Parses a page of metrics (Prometheus' text format 0.0.4). @throws if a line is invalid */
function parse(page: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let present: [string, Family] | undefined;
  for (const line of page.split('\n').filter(Boolean)) {
    const [, help, helped] = /^# HELP (\w+) (.+)$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE (\w+) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
    const [, name, , labels = '', value] =
      /^([a-zA-Z_:][\w:]*)(\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(line) ?? [];
    if (help) {
      assert.ok(!families.has(help), `${help} appears twice`);
      present = [help, { type: '', help: helped!, samples: [] }];
      families.set(...present);
    } else if (typed) {
      assert.equal(present?.[0], typed, line);
      present[1].type = type!;
    } else {
      assert.ok(
        name && present && name.replace(/_(bucket|sum|count)$/, '') === present[0].replace(/_count$/, ''),
        line,
      );
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key!, text!] as const);
      const number = Number(value!.replace('+Inf', 'Infinity').replace('Nan', 'NaN'));
      // A mean before the first value.
      assert.ok(value === 'Nan' || !Number.isNaN(number), line);
      present[1].samples.push({ name, labels: new Map(pairs), value: number });
    }
  }
  return families;
}

test('the page of metrics parses, and names and units follow Prometheus’ conventions', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { session } = await server.createSession('ada');
  await server.call('DELETE', `/v1/sessions/${session.id}`);
  const families = parse((await server.call('GET', '/metrics')).body);
  const own = [...families].filter(([name]) => name.startsWith('curfew_'));
  assert.ok(own.length > 20);
  for (const [name, { type, help }] of own) {
    assert.match(name, /^[a-z]+(_[a-z]+)*$/);
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
    assert.doesNotMatch(name, /_(ms|millis|milliseconds|seconds_total|kb|count)$/);
    assert.match(help, /^[A-Z0-9].*[.0-9]$/, `${name}: its help is not a sentence`);
  }
  for (const [name, { type, samples }] of own) {
    const declared = metricList[name as MetricName] as { type: string; labels?: readonly string[] } | undefined;
    assert.ok(declared?.type === type, name);
    const labels = samples.flatMap((sample) => [...sample.labels.keys()].filter((label) => label !== 'le'));
    for (const label of labels) assert.ok(declared.labels?.includes(label), `${name}{${label}}`);
  }
  const absent = Object.keys(metricList).filter((name) => !families.has(name));
  assert.deepEqual(absent, []);
  const value = (name: string, labels: Record<string, string> = {}) =>
    families
      .get(name.replace(/_(bucket|sum|count)$/, ''))
      ?.samples.find(
        (one) => one.name === name && Object.entries(labels).every(([key, is]) => one.labels.get(key) === is),
      )?.value;
  assert.equal(value('curfew_store_up'), 1);
  assert.equal(value('curfew_log_head'), 1);
  assert.equal(value('curfew_store_call_duration_seconds_count', { call: 'endSession' }), 1);
  assert.ok(value('curfew_fence_lease_losses_total')! >= 0);
  assert.ok([0, 1].includes(value('curfew_sweep_backlog')!));
  assert.ok(value('curfew_sweep_sessions_total', { outcome: 'expired' })! >= 0);
  assert.ok(families.has('curfew_fence_waited_for_total'));
  assert.ok(families.has('curfew_fence_restarts_total'));
  assert.equal(value('curfew_ends_total', { reason: 'ended_by_admin' }), 1);
  assert.equal(value('curfew_end_duration_seconds_count', { by: 'acks' }), 1);
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal(value('curfew_build_info', { version }), 1);
});

test('what an alert is about is counted from 0, so that its first error is an increase', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const families = parse((await server.call('GET', '/metrics')).body);
  const series = (name: string, code: string) =>
    families.get(name)!.samples.filter(({ labels }) => labels.get('code') === code);
  assert.deepEqual(
    series('curfew_errors_total', 'internal').map(({ value }) => value),
    [0],
  );
  const full = series('curfew_store_errors_total', 'store_full');
  assert.deepEqual(new Set(full.map(({ value }) => value)), new Set([0]));
  const counted = new Set(full.map(({ labels }) => labels.get('call')));
  for (const call of ['endSession', 'createSession', 'takeAttempt', 'renewNode']) assert.ok(counted.has(call), call);
});

test('ends, sign-ins and errors are counted by reason, result and code, including those through a dialect', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  for (const password of [adminPassword, 'wrong', 'wrong']) {
    await server.call('POST', '/v1/login', { username: 'admin', password });
  }
  await server.call('POST', '/rocketchat/api/v1/login', { user: 'admin', password: 'wrong' });
  for (const name of ['ada', 'ada', 'ben', 'ben', 'ben']) await server.createSession(name);
  await server.call('DELETE', '/v1/users/ada/sessions');
  await server.call('POST', '/v1/sessions/end-everyone', { confirm: 'everyone' });
  await server.call('GET', '/v1/sessions/0000000000000000000000');
  const families = parse((await server.call('GET', '/metrics')).body);
  const counted = (name: string, label: string) =>
    Object.fromEntries(families.get(name)!.samples.map(({ labels, value }) => [labels.get(label), value]));
  const ends = counted('curfew_ends_total', 'reason');
  assert.equal(ends['all_of_user'], 2);
  assert.ok(ends['everyone']! >= 3);
  assert.deepEqual(counted('curfew_signins_total', 'result'), { success: 1, invalid_credentials: 3 });
  assert.deepEqual(counted('curfew_errors_total', 'code'), {
    internal: 0,
    invalid_credentials: 3,
    session_not_found: 1,
  });
});

test('verifications are counted by result, and by whether the session was known here', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const { token, session } = await server.createSession('ada');
  for (let i = 0; i < 3; i++) await server.verify(token);
  const asProxy = () => fetch(`${server.url}/v1/forward-auth`, { headers: { authorization: `Bearer ${token}` } });
  await asProxy();
  await server.verify('cfs_');
  await server.verify(formatToken('session', newId('nobody', Date.now(), random), newSecret(random)));
  await server.call('DELETE', `/v1/sessions/${session.id}`);
  await server.verify(token);
  const families = parse((await server.call('GET', '/metrics')).body);
  const counted = families
    .get('curfew_verify_total')!
    .samples.map(({ labels, value }) => [`${labels.get('result')} from ${labels.get('source')}`, value]);
  assert.deepEqual(Object.fromEntries(counted), {
    'active from store': 1,
    'active from memory': 3,
    'malformed from memory': 1,
    'unknown from store': 1,
    'ended from store': 1,
  });
});

test('the lag of a verifier is the age of the oldest change that it has not acknowledged', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const lagOf = async (name: string) =>
    parse((await server.call('GET', '/metrics')).body)
      .get('curfew_fence_verifier_lag_seconds')!
      .samples.find(({ labels }) => labels.get('verifier') === name)?.value;
  const { token, session } = await server.createSession('ada');
  assert.equal(await lagOf('shop'), undefined);
  const verifier = await attachRaw(server.url, server.key, { name: 'shop' });
  t.after(() => verifier.socket.terminate());
  verifier.say({ type: 'renew', ask: 1, seen: [] });
  await verifier.hear('grant');
  verifier.say({ type: 'ask', question: 1, token });
  await verifier.hear('answer');
  assert.equal(await lagOf('shop'), 0);
  await server.call('DELETE', `/v1/sessions/${session.id}?wait=stored`);
  const { changes } = await verifier.hear('changes');
  const behind = await lagOf('shop');
  assert.ok(behind! > 0 && behind! < 5, `${behind}`);
  verifier.say({ type: 'ack', sequence: changes[0].sequence });
  while ((await lagOf('shop')) !== 0);
});
