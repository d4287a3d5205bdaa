import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Factor } from '../../src/domain/account.ts';
import type { AccessGroup } from '../../src/domain/brand.ts';
import { deviceOf } from '../../src/domain/device.ts';
import { changeGroups } from '../../src/domain/groups.ts';
import { namedStatus } from '../../src/domain/named.ts';
import {
  parseAddress,
  parseGroups,
  parseMetadata,
  parseSessionId,
  parseSessionName,
  parseUserAgent,
  parseUserId,
} from '../../src/domain/parse.ts';
import { grantedBy, permissions, roles } from '../../src/domain/permissions.ts';
import {
  backupCodeCount,
  hashBackupCode,
  newBackupCodes,
  newTotpSecret,
  totpCode,
  totpUrl,
  useCode,
} from '../../src/domain/second-factor.ts';
import { random } from '../support/ports.ts';

const groups = (...names: string[]) => names as AccessGroup[];

test('adding and removing groups works as on sets, in order, each once', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'));
  fc.assert(
    fc.property(names, names, names, (had, add, remove) => {
      const result = changeGroups(groups(...had), { add: groups(...add), remove: groups(...remove) }) ?? groups(...had);
      const wanted = new Set(had.filter((name) => !remove.includes(name)).concat(add));
      assert.deepEqual([...result].sort(), [...wanted].sort());
      assert.equal(new Set(result).size, result.length);
    }),
  );
});

test('a change that changes nothing is reported as such', () => {
  assert.equal(changeGroups(groups('a'), { add: groups('a'), remove: groups('b') }), undefined);
});

test('a session never has more than 100 groups', () => {
  const many = Array.from({ length: 100 }, (_, i) => `g${i}`);
  assert.equal(changeGroups(groups(), { add: groups(...many), remove: [] })?.length, 100);
  assert.throws(() => changeGroups(groups('x'), { add: groups(...many), remove: [] }), { code: 'too_many_groups' });
  assert.throws(() => parseGroups(Array.from({ length: 10_000 }, (_, i) => `g${i}`)), { code: 'too_many_groups' });
});

test('ids, names, groups, metadata and addresses have bounds', () => {
  assert.equal(parseUserId('ada@example.com'), 'ada@example.com');
  assert.throws(() => parseUserId('x'.repeat(10_000)), { code: 'user_id_too_long' });
  assert.throws(() => parseUserId('ü'.repeat(128)), { code: 'user_id_too_long' });
  for (const bad of ['', 'a\u0000b', '\ud800']) assert.throws(() => parseUserId(bad), { code: 'invalid_value' });
  for (const bad of ['', 'a/b', 'a b', 'ａ', '%00', 'x'.repeat(101)]) {
    assert.throws(() => parseSessionName(bad), { code: 'invalid_value' });
  }
  assert.throws(() => parseGroups(['ok', '']), { code: 'invalid_value' });
  assert.throws(() => parseMetadata({ note: 'x'.repeat(4097) }), { code: 'metadata_too_large' });
  const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
  assert.throws(() => parseMetadata(deep), { code: 'metadata_too_large' });
  assert.deepEqual(parseMetadata({ a: { b: [1, 'x', null] } }), { a: { b: [1, 'x', null] } });
  assert.equal(parseAddress('2001:db8::1'), '2001:db8::1');
  assert.throws(() => parseAddress('localhost'), { code: 'invalid_value' });
  assert.throws(() => parseSessionId('nope'), { code: 'session_not_found' });
  assert.equal(parseUserAgent('x'.repeat(5000))?.length, 1024);
});

test('a device is derived from the user agents of browsers and programs', () => {
  const chrome =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36';
  assert.deepEqual(deviceOf(chrome), {
    type: 'browser',
    name: 'Chrome',
    version: '120',
    longVersion: '120.0.6099.71',
    os: { name: 'Linux' },
  });
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1';
  assert.deepEqual(deviceOf(iphone), {
    type: 'mobile',
    name: 'Mobile Safari',
    version: '17',
    longVersion: '17.1',
    os: { name: 'iOS', version: '17.1' },
    model: 'iPhone',
  });
  assert.deepEqual(deviceOf('curl/8.5.0'), { type: 'program', name: 'curl', version: '8', longVersion: '8.5.0' });
  assert.deepEqual(deviceOf(undefined), { type: 'unknown' });
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => typeof deviceOf(text).type === 'string'),
  );
});

test('a role grants its permissions, single ones are added, and admin has all of them', () => {
  assert.deepEqual([...grantedBy({ roles: ['admin'], permissions: [] })], [...permissions]);
  assert.deepEqual([...grantedBy({ roles: ['support'], permissions: ['events.read'] })].sort(), [
    'events.read',
    'sessions.end',
    'sessions.read',
  ]);
  assert.deepEqual(roles.member, []);
});

test('a named session is working, waiting or stopped', () => {
  assert.equal(namedStatus({ started: true }, 'active'), 'working');
  assert.equal(namedStatus({ started: true }, 'ended'), 'waiting');
  assert.equal(namedStatus({ started: true }, undefined), 'waiting');
  assert.equal(namedStatus({ started: false }, undefined), 'stopped');
  assert.equal(namedStatus({ started: false }, 'suspended'), 'stopped');
  assert.equal(namedStatus({ started: false }, 'active'), 'working', 'a working session is never shown as stopped');
  assert.equal(namedStatus({ started: true }, 'suspended'), 'stopped');
});

const backupKey = random(32);
const now = Date.UTC(2026, 0, 1);

function factor(codes: string[] = []): { factor: Factor; secret: Uint8Array; base32: string } {
  const secret = newTotpSecret(random);
  return {
    secret,
    base32: totpUrl(secret, 'ada', 'Curfew').secret,
    factor: {
      sealedSecret: new Uint8Array(),
      confirmedAt: now,
      lastStep: 0,
      backupCodes: codes.map((code) => hashBackupCode(code, 'ada', backupKey)),
    },
  };
}

test('7.5.3: a code is valid within one step of drift, and valid once', () => {
  const { factor: fresh, secret, base32 } = factor();
  const context = (at: number) => ({ accountId: 'ada', secret, backupKey, now: at });
  for (const drift of [-30_000, 0, 30_000]) {
    const code = totpCode(base32, now + drift);
    const used = useCode(fresh, code, context(now));
    assert.ok(used, `${drift}`);
    assert.equal(useCode(used, code, context(now)), undefined);
  }
  for (const drift of [-90_000, 90_000])
    assert.equal(useCode(fresh, totpCode(base32, now + drift), context(now)), undefined);
});

test('RFC 6238 appendix B, the SHA-1 vectors at six digits', () => {
  const secret = totpUrl(Buffer.from('12345678901234567890'), 'rfc', 'rfc').secret;
  for (const [time, code] of [
    [59, '287082'],
    [1111111109, '081804'],
    [1234567890, '005924'],
    [20000000000, '353130'],
  ] as const) {
    assert.equal(totpCode(secret, time * 1000), code);
  }
});

test('each backup code works once, with or without spaces', () => {
  const codes = newBackupCodes(random);
  assert.equal(new Set(codes).size, backupCodeCount);
  const { factor: fresh, secret } = factor(codes);
  const context = { accountId: 'ada', secret, backupKey, now };
  let state = fresh;
  for (const code of codes) {
    const used = useCode(state, ` ${code.slice(0, 4)}-${code.slice(4).toUpperCase()} `, context);
    assert.ok(used);
    assert.equal(useCode(used, code, context), undefined);
    state = used;
  }
  assert.equal(state.backupCodes.length, 0);
});

test('a backup code of one account is invalid for another', () => {
  const [code] = newBackupCodes(random);
  const { factor: fresh, secret } = factor([code!]);
  assert.equal(useCode(fresh, code!, { accountId: 'bob', secret, backupKey, now }), undefined);
});
