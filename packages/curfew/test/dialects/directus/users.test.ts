import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { minute } from '../../../src/domain/limits.ts';
import { manualClock } from '../../support/ports.ts';
import { Authenticator, adminPassword } from '../../support/server.ts';
import { DirectusServer, errorBody, invalidCredentials, invalidPayload, type Told } from './support.ts';

const clock = manualClock(Date.UTC(2026, 5, 1));
const refused = (answer: Told, status: number, body: object) =>
  assert.deepEqual([answer.status, answer.body], [status, body]);

describe('Directus: a user’s own account', () => {
  let directus: DirectusServer;
  let bearer: string;
  let id: string;
  before(async () => {
    directus = await DirectusServer.start({}, clock);
    bearer = (await directus.login()).body.data.access_token;
    id = (await directus.server.call('GET', '/v1/accounts')).body.accounts[0].id;
  });
  after(() => directus.close());

  test('GET /users/me returns the fields that Directus returns, and no secret', async () => {
    const { status, body } = await directus.me({ bearer });
    assert.equal(status, 200);
    const { data } = body;
    assert.deepEqual(
      [data.id, data.email, data.first_name, data.role, data.status, data.provider],
      [id, 'admin@example.com', 'admin', 'admin', 'active', 'default'],
    );
    assert.deepEqual([data.password, data.tfa_secret, data.token], ['**********', null, null]);
    assert.doesNotMatch(JSON.stringify(data), /argon2|cf[srk]_/);
  });

  test('it returns the requested fields, in each way to request them', async () => {
    const some = { data: { id, email: 'admin@example.com' } };
    for (const query of [
      '?fields=id,email',
      '?fields=id&fields=email',
      '?fields[]=id&fields[]=email',
      '?fields=id, email.x',
    ]) {
      assert.deepEqual((await directus.me({ bearer }, query)).body, some, query);
    }
    for (const query of ['', '?fields=', '?fields=*', '?fields=*,role.*']) {
      assert.equal(Object.keys((await directus.me({ bearer }, query)).body.data).length > 20, true, query);
    }
    // As in Directus: a request for forbidden fields only returns the caller's id.
    for (const query of ['?fields=email,nonsense', '?fields=__proto__', '?fields=constructor']) {
      assert.deepEqual((await directus.me({ bearer }, query)).body, { data: { id } }, query);
    }
  });

  test('the role is a text, and an object if a part of it is requested; without a role it is null', async () => {
    const whole = { id: 'admin', name: 'admin' };
    const cases: [fields: string, role: unknown][] = [
      ['role', 'admin'],
      ['*', 'admin'],
      ['role.*', whole],
      ['*,role.*', whole],
      ['*.*', whole],
      ['role,role.name', { name: 'admin' }],
      ['role.id,role.name', whole],
      ['role.name,role.admin_access,role.app_access', { name: 'admin', admin_access: true, app_access: true }],
      ['role.*,role.admin_access', { ...whole, admin_access: true }],
      ['role.name,role.policies.*,role.__proto__', { name: 'admin' }],
    ];
    for (const [fields, role] of cases) {
      assert.deepEqual((await directus.me({ bearer }, `?fields=${fields}`)).body.data.role, role, fields);
    }
    const signedIn = async (name: string, roles: string[]) => {
      const email = `${name}@example.com`;
      await directus.server.createAccount(name, { email, roles });
      const login = await directus.post('/auth/login', { email, password: `${name} password` });
      return { bearer: login.body.data.access_token };
    };
    const helper = await directus.me(await signedIn('helper', ['support']), '?fields=role.name,role.admin_access');
    assert.deepEqual(helper.body.data.role, { name: 'support', admin_access: false });
    const nobody = await signedIn('nobody', []);
    for (const fields of ['role', 'role.*']) {
      assert.deepEqual((await directus.me(nobody, `?fields=${fields}`)).body, { data: { role: null } }, fields);
    }
  });

  test('the token may be in the query, but not in the header as well', async () => {
    assert.equal((await directus.me({}, `?access_token=${bearer}`)).status, 200);
    const both = invalidPayload('The request uses more than one method for including an access token');
    refused(await directus.me({ bearer }, `?access_token=${bearer}`), 400, both);
    refused(await directus.me({}, `?access_token=${bearer}&access_token=${bearer}`), 401, invalidCredentials);
  });

  test('the token of a session that was opened elsewhere works, and logs it out', async () => {
    const { token } = await directus.server.createSession('ada');
    assert.deepEqual((await directus.me({ bearer: token })).body, { data: { id: 'ada' } });
    assert.equal((await directus.post('/auth/logout', { refresh_token: token })).status, 204);
    assert.deepEqual(await directus.server.verify(token), { active: false, reason: 'logout' });
    refused(await directus.me({ bearer: token }), 401, invalidCredentials);
  });

  test('a user without an account has no second factor to change', async () => {
    const { token } = await directus.server.createSession('ada');
    const forbidden = errorBody('FORBIDDEN', "You don't have permission to access this.");
    refused(await directus.post('/users/me/tfa/generate', { password: 'x' }, { bearer: token }), 403, forbidden);
  });
});

describe('Directus: the second factor', () => {
  let directus: DirectusServer;
  let bearer: string;
  before(async () => {
    directus = await DirectusServer.start({}, clock);
    bearer = (await directus.login()).body.data.access_token;
  });
  after(() => directus.close());

  const tfa = (what: string, body: object) => directus.post(`/users/me/tfa/${what}`, body, { bearer });
  const otpInvalid = invalidPayload('"otp" is invalid');

  async function generate(): Promise<Authenticator> {
    const { body } = await tfa('generate', { password: adminPassword });
    return new Authenticator(body.data.secret, clock.now);
  }

  test('a password that is another one by the time it was compared begins no enrolment', async (t) => {
    const { passwords, store } = directus.server.context;
    const [{ id }] = (await directus.server.call('GET', '/v1/accounts')).body.accounts;
    const compare = passwords.matches.bind(passwords);
    const set = async (passwordHash: string) => {
      const { version } = (await store.readUser(id)).account!;
      assert.equal(
        (await store.changeAccount({ id, version, set: { passwordHash }, event: undefined })).kind,
        'changed',
      );
    };
    const { passwordHash } = (await store.readUser(id)).account!;
    t.mock.method(passwords, 'matches', async (...given: Parameters<typeof compare>) => {
      const right = await compare(...given);
      await set('another');
      return right;
    });
    const { status } = await tfa('generate', { password: adminPassword });
    t.mock.restoreAll();
    assert.ok(status >= 400, String(status));
    assert.equal((await store.readUser(id)).account!.factor, undefined);
    await set(passwordHash);
  });

  test('enrolment requires the password to begin, and then the secret that was generated', async () => {
    refused(await tfa('generate', { password: 'wrong' }), 401, invalidCredentials);
    refused(
      await tfa('enable', { secret: 'JBSWY3DPEHPK3PXP', otp: '123456' }),
      400,
      invalidPayload('No TFA secret was generated for this user'),
    );
    const before = await generate();
    const present = await generate();
    refused(await tfa('enable', { secret: before.secret, otp: before.next() }), 400, otpInvalid);
    refused(await tfa('enable', { secret: before.secret, otp: present.next() }), 400, otpInvalid);
    clock.advance(minute);
    const enabled = await tfa('enable', { secret: present.secret, otp: present.next() });
    assert.deepEqual([enabled.status, enabled.body], [204, '']);
    const { body } = await directus.me({ bearer }, '?fields=tfa_secret');
    assert.deepEqual(body, { data: { tfa_secret: '**********' } });
    const [account] = (await directus.server.call('GET', '/v1/accounts')).body.accounts;
    assert.deepEqual([account.totp, account.backupCodesLeft], [true, 0], 'no codes that nobody has seen');
    refused(
      await tfa('generate', { password: adminPassword }),
      400,
      invalidPayload('TFA Secret is already set for this user'),
    );

    // A code counts once, at a sign-in and when disabling, which requires one whatever is remembered.
    clock.advance(minute);
    const otp = present.next();
    const again = (await directus.login({ otp })).body.data.access_token;
    const reused = await directus.post('/auth/login', { email: 'admin@example.com', password: adminPassword, otp });
    refused(reused, 401, errorBody('INVALID_OTP', 'Invalid user OTP.'));
    const disable = (code: string) => directus.post('/users/me/tfa/disable', { otp: code }, { bearer: again });
    refused(await disable(present.wrong()), 400, otpInvalid);
    refused(await disable(otp), 400, otpInvalid);
    clock.advance(minute);
    assert.equal((await disable(present.next())).status, 204);
    assert.equal((await directus.login()).status, 200);
    refused(await disable('123456'), 400, invalidPayload('TFA is not enabled for this user'));
  });

  test('guesses of passwords count with those at sign-in, guesses of codes with those elsewhere', async (t) => {
    const own = await DirectusServer.start({ CURFEW_LOGIN_ATTEMPTS: '3/1m', CURFEW_FACTOR_ATTEMPTS: '2/1m' }, clock);
    t.after(() => own.close());
    const as = { bearer: (await own.login()).body.data.access_token };
    const guess = () => own.post('/users/me/tfa/generate', { password: 'wrong' }, as);
    for (let i = 0; i < 3; i++) refused(await guess(), 401, invalidCredentials);
    assert.equal((await guess()).status, 429);
    clock.advance(minute);
    const { body } = await own.post('/users/me/tfa/generate', { password: adminPassword }, as);
    const authenticator = new Authenticator(body.data.secret, clock.now);
    const enable = (otp: string) => own.post('/users/me/tfa/enable', { secret: body.data.secret, otp }, as);
    for (let i = 0; i < 2; i++) refused(await enable(authenticator.wrong()), 400, otpInvalid);
    assert.equal((await enable(authenticator.next())).status, 429);
  });
});
