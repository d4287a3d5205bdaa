import assert from 'node:assert/strict';
import { createHmac, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { CompactEncrypt, decodeJwt, decodeProtectedHeader, exportJWK, SignJWT } from 'jose';
import { minute, second } from '../../src/domain/limits.ts';
import { DirectusServer, errorBody, invalidCredentials, sessionCookie } from '../dialects/directus/support.ts';
import { manualClock } from '../support/ports.ts';

/*
 * ASVS 5.0, chapter 9, for the two tokens of the Directus dialect: the access token (signed) and the session cookie
 * (encrypted). Every attack is one change to an otherwise valid token, made with the right key if the requirement is
 * about that; the unchanged token is shown to be valid beside it.
 */

type Claims = Record<string, unknown>;

const invalidToken = errorBody('INVALID_TOKEN', 'Invalid token.');
const accessAudience = 'curfew directus access';
const sessionAudience = 'curfew directus session';
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('self-contained tokens: Directus', () => {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  let directus: DirectusServer;
  let good: string;
  let claims: Claims;
  let refreshToken: string;
  before(async () => {
    directus = await DirectusServer.start({}, clock);
    const { data } = (await directus.login()).body;
    good = data.access_token;
    refreshToken = data.refresh_token;
    claims = { ...decodeJwt(good) };
  });
  after(() => directus.close());

  const key = (audience: string) => directus.server.context.secrets.keyFor(audience);
  const now = () => Math.floor(clock.now() / 1000);

  /** An access token with any header and claims, signed with the server's key for it or with another one. */
  function sign(header: object, body: Claims, secret: Uint8Array = key(accessAudience), hash = 'sha256'): string {
    const signed = `${encode({ alg: 'HS256', typ: 'at+jwt', ...header })}.${encode(body)}`;
    return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
  }

  /** A session cookie with any header and claims, encrypted with the server's key for it or with another one. */
  function seal(header: object, body: Claims, secret: Uint8Array = key(sessionAudience)): Promise<string> {
    return new CompactEncrypt(Buffer.from(JSON.stringify(body)))
      .setProtectedHeader({ alg: 'A256KW', enc: 'A256GCM', typ: 'directus-session+jwt', ...header })
      .encrypt(createSecretKey(secret));
  }

  const sessionClaims = (): Claims => ({
    session: refreshToken,
    iss: 'directus',
    aud: sessionAudience,
    iat: now(),
    exp: now() + 60,
  });
  const without = (body: Claims, name: string): Claims => {
    const { [name]: _gone, ...rest } = body;
    return rest;
  };

  async function accepted(bearer: string, what = ''): Promise<void> {
    assert.equal((await directus.me({ bearer })).status, 200, what);
  }

  /** Refused as a bearer token, as the cookie, and when the cookie is refreshed. */
  async function refused(token: string, what: string, body = invalidToken): Promise<void> {
    const cookies = { [sessionCookie]: token };
    const answers = [
      await directus.me({ bearer: token }),
      await directus.me({ cookies }),
      await directus.post('/users/me/tfa/generate', { password: 'x' }, { bearer: token }),
    ];
    for (const answer of answers) {
      assert.deepEqual(answer.body, body, what);
      assert.ok([401, 403].includes(answer.status), what);
    }
    const refresh = await directus.post('/auth/refresh', { mode: 'session' }, { cookies });
    assert.notEqual(refresh.status, 200, what);
    assert.deepEqual(
      await directus.server
        .call('GET', `/v1/sessions/${claims['sid']}`)
        .then(({ body: { session } }) => session.status),
      'active',
    );
  }

  test('the tests’ own tokens are valid, so those below are refused for their one change', async () => {
    await accepted(sign({}, claims));
    assert.equal(sign({}, claims), good, 'byte for byte the server’s own token');
    await accepted(await seal({}, sessionClaims()));
    const own = await directus.loginForCookie('session');
    assert.deepEqual(Object.keys(decodeProtectedHeader(own)).sort(), ['alg', 'enc', 'typ']);
  });

  test('9.1.1: the signature is checked before the content: nothing unsigned is accepted or reported', async () => {
    const [header, body, signature] = good.split('.') as [string, string, string];
    await refused(`${header}.${encode({ ...claims, admin_access: true, id: 'eve' })}.${signature}`, 'claims changed');
    await refused(`${encode({ alg: 'HS256', typ: 'at+jwt', x: 1 })}.${body}.${signature}`, 'header changed');
    await refused(`${header}.${body}.`, 'no signature');
    await refused(`${header}.${body}.${signature.slice(0, -4)}`, 'a signature cut off');
    await refused(`${header}.${body}.${'A'.repeat(43)}`, 'a signature of zeros');
    // Expired and forged: the forgery is reported first.
    await refused(sign({}, { ...claims, exp: 1 }, new Uint8Array(32)), 'an expired forgery');
    const sealed = (await seal({}, sessionClaims())).split('.');
    for (const part of sealed.keys()) {
      const text = sealed[part]!;
      const flipped = `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
      await refused(sealed.with(part, flipped).join('.'), `part ${part} of the cookie changed`);
    }
  });

  test('9.1.2: only one algorithm is allowed: neither none, nor another that the key fits, nor an asymmetric one', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      await refused(`${encode({ alg, typ: 'at+jwt' })}.${encode(claims)}.`, `alg ${alg}`);
      await refused(sign({ alg }, claims), `alg ${alg} with the right signature`);
    }
    await refused(sign({ alg: undefined }, claims), 'no alg');
    await refused(sign({ alg: 'HS512' }, claims, key(accessAudience), 'sha512'), 'HS512 with the right key');
    await refused(sign({ alg: 'HS384' }, claims, key(accessAudience), 'sha384'), 'HS384 with the right key');
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const rs256 = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt' });
    await refused(await rs256.sign(privateKey), 'RS256 of another key');
    const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }));
    await refused(sign({}, claims, pem), 'a public key used as a shared one');
    await refused(sign({}, claims, new Uint8Array(0)), 'an empty key');
    await refused(await seal({ enc: 'A256CBC-HS512' }, sessionClaims()), 'another encryption with the right key');
    await refused(await seal({ alg: 'dir' }, sessionClaims()), 'the right key used directly');
    await refused(await seal({ alg: 'A256GCMKW' }, sessionClaims()), 'another wrapping with the right key');
    await refused(sign({ crit: ['x'], x: 1 }, claims), 'an unknown extension');
    await refused(sign({ crit: ['b64'], b64: false }, claims), 'an unencoded payload');
  });

  test('9.1.3: the key comes from the configuration: jku, x5u, jwk, x5c and kid are ignored, and nothing is fetched', async (t) => {
    let fetched = 0;
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = await exportJWK(publicKey);
    const theirs = createServer((_request, answer) => {
      fetched += 1;
      answer.end(JSON.stringify({ keys: [{ ...jwk, kid: '1' }] }));
    }).listen(0, '127.0.0.1');
    t.after(() => theirs.close());
    await once(theirs, 'listening');
    const url = `http://127.0.0.1:${(theirs.address() as AddressInfo).port}/keys`;
    const secret = createSecretKey(new Uint8Array(32).fill(7));
    const oct = await exportJWK(secret);
    for (const more of [{ jku: url }, { x5u: url }, { jwk }, { jku: url, kid: '1' }, { kid: '../../../dev/null' }]) {
      const forged = new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', ...more });
      await refused(await forged.sign(privateKey), JSON.stringify(Object.keys(more)));
    }
    await refused(sign({ jwk: oct }, claims, secret.export()), 'a shared key of the attacker');
    await refused(await seal({ jwk: oct }, sessionClaims(), secret.export()), 'the same for the cookie');
    await refused(sign({ x5c: ['MIIB'], jku: url }, claims, secret.export()), 'a chain of the attacker');
    // In a valid token they change nothing.
    await accepted(sign({ jku: url, jwk: oct, kid: 'x' }, claims));
    assert.equal(fetched, 0);
  });

  test('9.2.1: a token is valid from its creation until it expires, and not after that', async () => {
    const body = { ...claims, iat: now(), exp: now() + 60 };
    await accepted(sign({}, body));
    clock.advance(minute - second);
    await accepted(sign({}, body));
    clock.advance(second);
    await refused(sign({}, body), 'when it expires', errorBody('TOKEN_EXPIRED', 'Token expired.'));
    await refused(sign({}, { ...claims, nbf: now() + 60, exp: now() + 120 }), 'before it is valid');
  });

  test('GHSA-wxg7-w2v3-w38g: an expiry or a time of issue that is absent or not a time is refused', async () => {
    const body = { ...claims, iat: now(), exp: now() + 60 };
    for (const name of ['exp', 'iat', 'sid', 'aud']) {
      await refused(sign({}, without(body, name)), `an access token without ${name}`);
    }
    for (const name of ['exp', 'iat', 'session', 'aud', 'iss']) {
      await refused(await seal({}, without(sessionClaims(), name)), `a cookie without ${name}`);
    }
    for (const wrong of [null, '', String(now() + 60), {}, [now() + 60], true]) {
      await refused(sign({}, { ...body, exp: wrong }), `exp is ${JSON.stringify(wrong)}`);
      await refused(sign({}, { ...body, iat: wrong }), `iat is ${JSON.stringify(wrong)}`);
      await refused(sign({}, { ...body, sid: [wrong] }), `sid is a list of ${JSON.stringify(wrong)}`);
    }
  });

  test('9.2.2: a token must have the type that its place requires', async () => {
    const body = { ...claims, iat: now(), exp: now() + 60 };
    for (const typ of [undefined, 'JWT', 'logout+jwt', 'directus-session+jwt', 'at+JWTX']) {
      await refused(sign({ typ }, body), `an access token of type ${typ}`);
    }
    for (const typ of [undefined, 'JWT', 'at+jwt']) {
      await refused(await seal({ typ }, sessionClaims()), `a cookie of type ${typ}`);
    }
    const asRefresh = await directus.post('/auth/refresh', { refresh_token: sign({}, body) });
    assert.deepEqual([asRefresh.status, asRefresh.body], [401, invalidCredentials]);
    const asSession = await directus.server.call('GET', '/v1/me', undefined, { as: sign({}, body) });
    assert.deepEqual([asSession.status, asSession.body.code], [401, 'token_malformed'], 'no other surface accepts it');
  });

  test('9.2.3: a token must have the right audience and issuer', async () => {
    const body = { ...claims, iat: now(), exp: now() + 60 };
    for (const aud of ['directus', sessionAudience, '', [], [sessionAudience], null]) {
      await refused(sign({}, { ...body, aud }), `for ${JSON.stringify(aud)}`);
    }
    await refused(await seal({}, { ...sessionClaims(), aud: accessAudience }), 'the other’s audience');
    await refused(await seal({}, { ...sessionClaims(), iss: 'curfew' }), 'another issuer');
    // Directus treats a token of another issuer as one of another kind, which does not exist.
    await refused(sign({}, { ...body, iss: 'curfew' }), 'another issuer', invalidCredentials);
  });

  test('9.2.4: each audience has its own key, and so does each installation', async (t) => {
    const { keyFor, refreshKey, backupKey } = directus.server.context.secrets;
    const keys = [keyFor(accessAudience), keyFor(sessionAudience), keyFor(''), refreshKey, backupKey];
    assert.equal(new Set(keys.map((one) => Buffer.from(one).toString('hex'))).size, keys.length);
    const body = { ...claims, iat: now(), exp: now() + 60 };
    for (const other of keys.slice(1)) await refused(sign({}, body, other), 'signed with another key of the server');
    for (const other of [keys[0]!, ...keys.slice(2)]) {
      await refused(await seal({}, sessionClaims(), other), 'sealed with another key of the server');
    }
    const elsewhere = await DirectusServer.start({}, clock);
    t.after(() => elsewhere.close());
    const foreign = (await elsewhere.login()).body.data.access_token;
    assert.equal((await elsewhere.me({ bearer: foreign })).status, 200);
    await refused(foreign, 'another installation’s');
  });

  test('CVE-2026-27840: a token that is truncated, extended or changed by one digit is refused', async () => {
    const sealed = await seal({}, sessionClaims());
    const fresh = sign({}, { ...claims, iat: now(), exp: now() + 60 });
    for (const token of [fresh, sealed]) {
      for (let at = 0; at < token.length; at += at + 8 < token.length ? 7 : 1) {
        for (const changed of [
          token.slice(0, at),
          `${token.slice(0, at)}${token[at] === 'Q' ? 'R' : 'Q'}${token.slice(at + 1)}`,
        ]) {
          if (changed === token) continue;
          const { status } = await directus.me({ bearer: changed || 'x' });
          assert.ok([401, 403].includes(status), `${status} for a change at ${at}`);
        }
      }
      // The last digit contains bits that are not part of the signature or the tag.
      for (const digit of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        const changed = token.slice(0, -1) + digit;
        if (changed !== token) assert.notEqual((await directus.me({ bearer: changed })).status, 200, digit);
      }
      for (const more of ['A', '=', '.', '.A'])
        assert.notEqual((await directus.me({ bearer: token + more })).status, 200);
    }
    await accepted(fresh);
    await accepted(sealed);
  });
});
