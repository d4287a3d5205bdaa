import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { minute, second } from '../../../src/domain/limits.ts';
import { manualClock } from '../../support/ports.ts';
import { Authenticator, adminPassword, type Json } from '../../support/server.ts';
import { credentials, DirectusServer, refreshCookie, type Sending, sessionCookie, type Told } from './support.ts';

/*
 * The recording contains the answers of a running Directus 11.17.4 to each step, with secrets masked. This test takes
 * the same steps, and each answer must be the recorded one.
 */

type Step = { name: string; status: number; body: Json; set?: { name: string; value: string; attrs: string[] }[] };

const recorded: Step[] = readFileSync(new URL('recording.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

/** Where Curfew is stricter, or more lenient, on purpose. */
const ours: Step[] = [
  {
    name: 'refresh old token',
    status: 200,
    body: { data: { expires: 900000, refresh_token: '<refresh_token>', access_token: '<access_token>' } },
  },
];

test('each step of the recording is answered as Directus answered it, except where Curfew differs on purpose', async (t) => {
  const clock = manualClock();
  const server = await DirectusServer.start({}, clock);
  t.after(() => server.close());
  const differing: Step[] = [];
  const done: string[] = [];
  for await (const [name, answer] of steps(server, clock)) {
    const wanted = recorded.find((step) => step.name === name);
    const got = mask(name, answer);
    done.push(name);
    if (JSON.stringify(sorted(got)) !== JSON.stringify(sorted(wanted))) differing.push(got);
  }
  assert.deepEqual(differing, ours);
  assert.deepEqual(
    done,
    recorded.map(({ name }) => name),
    'every step was taken, in order',
  );
});

async function* steps(server: DirectusServer, clock: ReturnType<typeof manualClock>): AsyncGenerator<[string, Told]> {
  const post = server.post.bind(server);
  const login = (more: object = {}) => post('/auth/login', { ...credentials, ...more });
  const email = (sending: Sending) => server.me(sending, '?fields=email');

  const first = await login();
  yield ['login json', first];
  yield ['login mode json', await login({ mode: 'json' })];
  yield ['login wrong password', await login({ password: 'wrong' })];
  yield ['login unknown email', await login({ email: 'nobody@example.com' })];
  yield ['login bad email', await login({ email: 'nonsense' })];
  yield ['login no password', await post('/auth/login', { email: credentials.email })];
  yield ['me bearer', await email({ bearer: first.body.data.access_token })];
  yield ['me none', await email({})];
  yield ['me garbage bearer', await email({ bearer: 'garbage' })];

  const old = first.body.data.refresh_token;
  const refreshed = await post('/auth/refresh', { refresh_token: old, mode: 'json' });
  yield ['refresh json', refreshed];
  clock.advance(5 * second);
  yield ['refresh old token', await post('/auth/refresh', { refresh_token: old, mode: 'json' })];
  const again = await post('/auth/refresh', { refresh_token: refreshed.body.data.refresh_token });
  yield ['refresh no mode', again];
  yield ['refresh unknown', await post('/auth/refresh', { refresh_token: 'nonsense', mode: 'json' })];
  yield ['refresh missing', await post('/auth/refresh', {})];
  yield ['refresh missing mode json', await post('/auth/refresh', { mode: 'json' })];

  const last = { refresh_token: again.body.data.refresh_token, mode: 'json' };
  yield ['logout', await post('/auth/logout', last)];
  yield ['logout again', await post('/auth/logout', last)];
  yield ['refresh after logout', await post('/auth/refresh', last)];
  const { refresh_token } = (await login()).body.data;
  yield ['logout no mode', await post('/auth/logout', { refresh_token })];
  yield ['logout unknown', await post('/auth/logout', { refresh_token: 'nonsense', mode: 'json' })];
  yield ['logout missing', await post('/auth/logout', {})];

  const cookie = await login({ mode: 'cookie' });
  yield ['login cookie', cookie];
  const one = { cookies: { [refreshCookie]: cookie.cookies[0]!.value } };
  const next = await post('/auth/refresh', { mode: 'cookie' }, one);
  yield ['refresh cookie', next];
  const two = { cookies: { [refreshCookie]: next.cookies[0]!.value } };
  yield ['logout cookie', await post('/auth/logout', { mode: 'cookie' }, two)];

  const session = await login({ mode: 'session' });
  yield ['login session', session];
  const three = { cookies: { [sessionCookie]: session.cookies[0]!.value } };
  yield ['me session cookie', await email(three)];
  yield ['logout session', await post('/auth/logout', { mode: 'session' }, three)];

  const forFactor = await login();
  yield ['login for tfa', forFactor];
  const as = { bearer: forFactor.body.data.access_token };
  yield ['tfa generate wrong password', await post('/users/me/tfa/generate', { password: 'wrong' }, as)];
  const generated = await post('/users/me/tfa/generate', { password: adminPassword }, as);
  yield ['tfa generate', generated];
  const { secret } = generated.body.data;
  const authenticator = new Authenticator(secret, clock.now);
  yield ['tfa enable wrong otp', await post('/users/me/tfa/enable', { secret, otp: authenticator.wrong() }, as)];
  yield ['tfa enable', await post('/users/me/tfa/enable', { secret, otp: authenticator.next() }, as)];
  yield ['login without otp', await login()];
  yield ['login wrong otp', await login({ otp: authenticator.wrong() })];
  clock.advance(minute);
  yield ['login with otp', await login({ otp: authenticator.next() })];
  yield ['tfa disable', await post('/users/me/tfa/disable', { otp: authenticator.next() }, as)];
  yield ['login after tfa off', await login()];
}

/** An answer in the form of the recording: a secret must have its format, and is masked. */
function mask(name: string, { status, body, cookies }: Told): Step {
  const masked = structuredClone(body);
  const data = masked.data ?? {};
  conceal(data, 'access_token', /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
  conceal(data, 'refresh_token', /^cfr_\w{71}$/);
  conceal(data, 'secret', /^[A-Z2-7]{32}$/);
  if (data.otpauth_url) {
    data.otpauth_url = data.otpauth_url
      .replace(/^(otpauth:\/\/totp\/)[^?]+/, '$1<label>')
      .replace(/(?<=secret=)[A-Z2-7]{32}/, '<s>')
      .replace(/(?<=issuer=)[^&]+/, '<i>');
  }
  const set = cookies.map(({ name: cookie, value, attributes }) => ({
    name: cookie,
    value: value === '' ? '' : '<v>',
    attrs: attributes,
  }));
  return { name, status, body: masked, ...(set.length > 0 && { set }) };
}

function conceal(data: Record<string, unknown>, name: string, form: RegExp): void {
  if (data[name] === undefined) return;
  assert.match(String(data[name]), form);
  data[name] = `<${name}>`;
}

/** The order of keys is irrelevant. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
