import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { importSession, importStore } from '../../src/authority/import-session.ts';
import { aliasOf } from '../../src/domain/alias.ts';
import type { UserId } from '../../src/domain/brand.ts';
import { day, hour, minute, second } from '../../src/domain/limits.ts';
import type { AssuranceLevel } from '../../src/domain/policy.ts';
import { readSettings } from '../../src/start/config.ts';
import { credentials } from '../dialects/directus/support.ts';
import { manualClock, random } from '../support/ports.ts';
import { type Answer, TestServer } from '../support/server.ts';

/** What NIST SP 800-63B-4 requires, taken from its text and not from our table. */
const asked: Record<AssuranceLevel, { absolute: number; idle: number | undefined }> = {
  aal1: { absolute: 30 * day, idle: undefined },
  aal2: { absolute: 24 * hour, idle: hour },
  aal3: { absolute: 12 * hour, idle: 15 * minute },
};

describe('assurance levels', () => {
  for (const [level, { absolute, idle }] of Object.entries(asked)) {
    test(`NIST aal1, NIST aal2, NIST aal3: ${level}: sessions end at its limits, to the second, on every surface`, async (t) => {
      const clock = manualClock(Date.UTC(2026, 5, 1));
      // Longer than the idle limit of the level, so that this one counts.
      const longer = { CURFEW_DIRECTUS_SESSION: '7d' };
      const server = await TestServer.start({ CURFEW_ASSURANCE: level, ...longer }, clock);
      t.after(() => server.close());
      const { password, email } = credentials;
      const open = async () => {
        const signedIn = (await server.login()).body.token as string;
        const opened = (await server.createSession('ada')).token;
        const sent = async (path: string, body: object, headers: Record<string, string> = {}) => {
          const answer = await server.call('POST', path, body, { as: '', headers });
          assert.equal(answer.status, 200, path);
          return answer;
        };
        const { userId, authToken } = (await sent('/api/v1/login', { user: 'admin', password })).body.data;
        const cookieOf = ({ headers }: Answer) => headers.getSetCookie()[0]!.split(';')[0]!;
        let cookie = cookieOf(await sent('/auth/login', { mode: 'session', email, password }));
        const client = { 'x-client-key': server.key };
        const altogic = await sent('/_api/rest/v1/auth/signin-email', { email, password }, client);
        const session = altogic.body.session.token as string;
        const name = `desk-${opened.slice(-12)}`;
        await server.call('POST', '/v1/named-sessions', { name });
        const named = (await server.createSession('ada', { name })).token;
        const read = (path: string, headers: Record<string, string>) =>
          server.call('GET', path, undefined, { as: '', headers });
        return {
          tokens: [signedIn, opened, authToken as string, session, named],
          /** Directus's client does this before its cookie is over, which no other use extends. */
          async refresh() {
            cookie = cookieOf(await sent('/auth/refresh', { mode: 'session' }, { cookie }));
          },
          /** How each of the other systems answers a client that is, or was, signed in there. */
          answers: async () => ({
            rocketchat: (await read('/api/v1/me', { 'x-user-id': userId, 'x-auth-token': authToken })).status,
            directus: (await read('/users/me', { cookie })).status,
            altogic: (await read('/_api/rest/v1/auth/user', { ...client, session })).status,
            waha: (await read(`/api/sessions/${name}`, { 'x-api-key': server.key })).body.status,
          }),
        };
      };
      const valid = { rocketchat: 200, directus: 200, altogic: 200, waha: 'WORKING' };
      const over = { rocketchat: 401, directus: 401, altogic: 401, waha: 'SCAN_QR_CODE' };
      const verdicts = (tokens: readonly string[]) => Promise.all(tokens.map((token) => server.verify(token)));

      const busy = await open();
      // Used often enough never to be idle, until a second before the end.
      const step = (idle ?? 7 * day) - second;
      const end = clock.now() + absolute;
      for (let now = clock.now(); now < end; now = Math.min(now + step, Math.max(now + second, end - second))) {
        clock.set(now);
        for (const { active } of await verdicts(busy.tokens)) assert.equal(active, true, new Date(now).toISOString());
        await busy.refresh();
        // Recorded before the time moves on: within an hour the server has long since done that.
        await server.running.opened.upkeep.sweep();
      }
      assert.deepEqual([end - clock.now(), await busy.answers()], [second, valid]);
      clock.set(end);
      assert.deepEqual(await busy.answers(), over);
      for (const verdict of await verdicts(busy.tokens))
        assert.deepEqual(verdict, { active: false, reason: 'expired' });

      if (idle === undefined) return;
      const quiet = await open();
      clock.advance(idle - second);
      assert.deepEqual(await quiet.answers(), valid);
      const left = await open();
      clock.advance(idle);
      assert.deepEqual(await left.answers(), over);
      for (const verdict of await verdicts(left.tokens)) assert.deepEqual(verdict, { active: false, reason: 'idle' });
    });

    test(`NIST aal1, NIST aal2, NIST aal3: ${level}: no session can ask for a longer limit, and no refresh extends it`, async (t) => {
      const clock = manualClock(Date.UTC(2026, 5, 1));
      const server = await TestServer.start({ CURFEW_ASSURANCE: level }, clock);
      t.after(() => server.close());
      const longer = await server.call('POST', '/v1/sessions', { userId: 'ada', lifetime: absolute / second + 1 });
      assert.equal(longer.body.code, 'invalid_value');
      const more = { userId: 'ada', idle: (idle ?? 7 * day) / second + 1 };
      assert.equal((await server.call('POST', '/v1/sessions', more)).body.code, 'invalid_value');
      const { session, refreshToken } = await server.createSession('ada');
      assert.equal(Date.parse(session.expiresAt) - clock.now(), absolute);
      clock.advance(minute);
      const refreshed = await server.call('POST', '/v1/sessions/refresh', { refreshToken });
      assert.equal(refreshed.body.session.expiresAt, session.expiresAt);
    });

    test(`NIST aal1, NIST aal2, NIST aal3: ${level}: a stricter setting is used, a laxer one is refused with both named`, () => {
      const read = (env: Record<string, string>) => readSettings({ CURFEW_ASSURANCE: level, ...env }).settings;
      const preset = read({});
      assert.deepEqual([preset.absolute, preset.idle], [absolute, idle ?? 7 * day]);
      assert.equal(read({ CURFEW_ABSOLUTE: '6h' }).absolute, 6 * hour);
      assert.equal(read({ CURFEW_IDLE: '5m' }).idle, 5 * minute);
      // The level's own limit is not laxer.
      assert.equal(read({ CURFEW_ABSOLUTE: `${absolute / hour}h` }).absolute, absolute);
      const laxer: [string, string][] = [['CURFEW_ABSOLUTE', `${absolute / second + 1}s`]];
      if (idle !== undefined) laxer.push(['CURFEW_IDLE', `${idle / second + 1}s`]);
      for (const [name, value] of laxer) {
        assert.throws(() => read({ [name]: value }), {
          code: 'config_invalid',
          message: new RegExp(`${name}: ${value} is longer than CURFEW_ASSURANCE=${level} allows`),
        });
      }
    });
  }

  test('NIST aal2, NIST aal3: the start warns of requirements of a level that limits cannot meet', async () => {
    const said = (level: string) => readSettings({ CURFEW_ASSURANCE: level }).warnings.join(' ');
    assert.equal(said('aal1'), '');
    assert.match(said('aal2'), /CURFEW_ASSURANCE: .*second factor at each sign-in/);
    assert.match(said('aal3'), /CURFEW_ASSURANCE: .*phishing-resistant/);
    assert.throws(() => readSettings({ CURFEW_ASSURANCE: 'aal4' }), { message: /must be one of aal1, aal2, aal3/ });
  });

  test('an absolute limit shorter than the level’s idle limit causes no warning', () => {
    const { settings, warnings } = readSettings({ CURFEW_ASSURANCE: 'aal1', CURFEW_ABSOLUTE: '2d' });
    assert.deepEqual([settings.absolute, settings.idle, warnings], [2 * day, 2 * day, []]);
  });
});

test('NIST aal2: an imported session stays within the limits of the level, whatever its own store says', async (t) => {
  const server = await TestServer.start({ CURFEW_ASSURANCE: 'aal2' });
  t.after(() => server.close());
  const { store, policy, clock } = server.context;
  const parts = { into: await importStore(store), random, policy, strict: true, lifetime: 30 * day };
  const now = clock.now();
  const found = { metadata: {}, expiresAt: now + 1825 * day, userId: 'ada' };
  const aliasNumber = (number: number) => aliasOf({ alias: { kind: 'express', secret: `secret ${number}` } });
  assert.equal(await importSession(parts, { ...found, alias: aliasNumber(1) }, now, false), 'imported');
  const { sessions } = await store.listSessions({ filter: { userId: 'ada' as UserId }, limit: 9, now, budget: 1000 });
  const [{ stored }] = sessions as [(typeof sessions)[0]];
  assert.deepEqual([stored.expiresAt, stored.idle], [now + 24 * hour, hour]);
  for (const [number, old] of [{ createdAt: now - 24 * hour, lastSeenAt: now }, { lastSeenAt: now - hour }].entries()) {
    const older = { ...found, ...old, alias: aliasNumber(2 + number) };
    assert.equal(await importSession(parts, older, now, false), 'expired');
  }
});
