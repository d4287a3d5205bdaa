import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readFromNode, readFromVerifier } from 'curfew-client/protocol';
import fc from 'fast-check';
import { decodeCursor, encodeCursor } from '../../src/authority/cursor.ts';
import { createSecrets } from '../../src/authority/secrets.ts';
import { addressBytes, networkOf } from '../../src/domain/address-bytes.ts';
import { deviceOf } from '../../src/domain/device.ts';
import { newId } from '../../src/domain/ids.ts';
import { parseAddress, parseGroup, parseSessionId, parseSessionName, parseUserId } from '../../src/domain/parse.ts';
import { totpStep } from '../../src/domain/second-factor.ts';
import { formatToken, newSecret, parseToken } from '../../src/domain/tokens.ts';
import { isCurfewError } from '../../src/errors.ts';
import { cookiesNamed } from '../../src/http/cookies.ts';
import { loggedPath } from '../../src/http/logged-path.ts';
import { readSettings } from '../../src/start/config.ts';
import { decodeRecord, encodeRecord } from '../../src/stores/records.ts';
import { importLines } from '../../src/transfer.ts';
import { random } from '../support/ports.ts';

/*
 * Everything that parses text from outside, fed with garbage and with valid text in which a few characters are changed.
 * It answers, or refuses with one of the registered errors; anything else is an unforeseen fault.
 */

const runs = Number(process.env['CURFEW_FUZZ_RUNS'] ?? 400);
const key = new Uint8Array(32);

const account = {
  kind: 'account',
  account: { id: 'x', username: 'ada', factor: { sealedSecret: new Uint8Array(48), backupCodes: [] } },
} as never;

/** By decoder: valid texts to begin with. */
const decoders: Record<string, { right: string[]; read(text: string): unknown }> = {
  'a token': {
    right: (['session', 'refresh', 'key'] as const).map((kind) =>
      formatToken(kind, newId('a', 0, random), newSecret(random)),
    ),
    read: (text) => (['session', 'refresh', 'key'] as const).map((kind) => parseToken(kind, text)),
  },
  'a cursor': { right: [encodeCursor('12', { a: 1 })], read: (text) => decodeCursor(text, { a: 1 }) },
  'what a verifier says': {
    right: [
      '{"type":"hello","version":1,"key":"cfk_x","holder":"h","name":"n"}',
      '{"type":"renew","ask":1,"seen":[["id",1]]}',
      '{"type":"ack","sequence":7}',
    ],
    read: readFromVerifier,
  },
  'what a node says': { right: ['{"type":"changes","changes":[{"sequence":1,"all":true}]}'], read: readFromNode },
  'a line of an export': {
    right: [
      encodeRecord({ kind: 'counters', head: 1, lastEvent: 2, time: 3 }),
      encodeRecord(account),
      '{"kind":"session"}',
      '{"kind":"session","session":{"tokenHash":7,"refresh":{}}}',
      '{"kind":"key","key":null}',
      '{"kind":"account"}',
    ],
    read: decodeRecord,
  },
  'a cookie': {
    right: ['__Host-curfew=cfs_x; a=b', '__Host-curfew="%41"'],
    read: (cookie) => cookiesNamed({ headers: { cookie } } as never, '__Host-curfew'),
  },
  'a path for the log': { right: ['/v1/sessions/abc?token=x', '/%zz'], read: loggedPath },
  'a code': { right: ['123456'], read: (text) => totpStep(key.subarray(12), text, 0, 0) },
  'a user agent': {
    right: ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36', 'curl/8.5.0'],
    read: deviceOf,
  },
  'an address': {
    right: ['192.0.2.1:80', '::ffff:192.0.2.1', '[2001:db8::1]:443', 'fe80::1%eth0'],
    read: (text) => [parseAddress(text), addressBytes(text), networkOf(text)],
  },
  'an id of a user': { right: ['ada'], read: parseUserId },
  'an id of a session': { right: [newId('a', 0, random)], read: parseSessionId },
  'a name of a session': { right: ['desk-1'], read: parseSessionName },
  'an access group': { right: ['staff'], read: parseGroup },
  'a setting': {
    right: ['15m', '10/15m', '10.0.0.0/8,loopback', 'lmdb:./x', 'redis://a:b@h:1/2', 'postgres://h/d?sslmode=require'],
    read: (text) => {
      const names = [
        'HOST',
        'PORT',
        'STORE',
        'DIALECTS',
        'IDLE',
        'LOGIN_ATTEMPTS',
        'TRUST_PROXY',
        'SECRET_KEY',
        'ASSURANCE',
      ];
      for (const name of names) {
        try {
          readSettings({ [`CURFEW_${name}`]: text });
        } catch (error) {
          if (!isCurfewError(error)) throw error;
        }
      }
    },
  },
};

/** Garbage, JSON of any kind, and valid text with a few characters removed, inserted or changed. */
function texts(right: readonly string[]): fc.Arbitrary<string> {
  const changed = fc
    .tuple(
      fc.constantFrom(...right),
      fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 4 }),
    )
    .map(([text, changes]) =>
      changes.reduce((now, [place, taken, put]) => {
        const at = place % (now.length + 1);
        return now.slice(0, at) + put + now.slice(at + taken);
      }, text),
    );
  return fc.oneof(changed, fc.constantFrom(...right), fc.string({ unit: 'binary', maxLength: 200 }), fc.json());
}

const orRefused = (read: () => unknown) => {
  try {
    read();
  } catch (error) {
    if (!isCurfewError(error) || error.code === 'internal') throw error;
  }
};

describe('decoders', () => {
  for (const [what, { right, read }] of Object.entries(decoders)) {
    test(`Fuzz: ${what}: any text is either read or refused`, () => {
      fc.assert(
        fc.property(texts(right), (text) => orRefused(() => read(text))),
        { numRuns: runs },
      );
      assert.doesNotThrow(() => orRefused(() => read('x'.repeat(100_000))));
    });
  }

  test('Fuzz: sealed data opens only unchanged, whatever else is tried', () => {
    const { seal, unseal } = createSecrets(key, random);
    const sealed = seal(new Uint8Array(20), 'ada');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.nat(sealed.length - 1).map((at) => sealed.with(at, sealed[at]! ^ 1)),
    );
    fc.assert(
      fc.property(bytes, (some) => assert.throws(() => unseal(some, 'ada'), { code: 'internal' })),
      { numRuns: runs },
    );
  });

  test('Fuzz: an export with any damaged line is refused as damaged', async () => {
    const whole = [
      '{"curfew":"export","format":2,"store":"lmdb","exportedAt":"","about":1,"key":null}',
      '{"kind":"counters"}',
    ];
    const last = [
      '{"curfew":"whole","records":1,"sha256":""}',
      '{"curfew":',
      '{"curfew":7}',
      '{"curfew":null',
      'null',
      '',
    ];
    const codes = ['export_damaged', 'store_version'];
    const reading = {
      importRecords: async (records: AsyncIterable<unknown>) => {
        for await (const _ of records);
      },
    };
    const damaged = fc.tuple(
      fc.oneof(texts(whole), fc.constant(whole[0]!)),
      texts(whole),
      fc.oneof(texts(last), fc.constantFrom(...last)),
    );
    await fc.assert(
      fc.asyncProperty(damaged, async (lines) => {
        const stream = (async function* () {
          yield* lines;
        })();
        await assert.rejects(importLines(reading as never, stream, undefined), (error) =>
          isCurfewError(error, ...(codes as never[])),
        );
      }),
      { numRuns: runs },
    );
  });
});

test('N2.9: a verifier reports times of use in whole milliseconds, as every store keeps them', () => {
  const reported = (at: unknown) => readFromVerifier(JSON.stringify({ type: 'renew', ask: 1, seen: [['id', at]] }));
  assert.ok(reported(1_795_865_754_071));
  for (const wrong of [1.5, -1, 1e300, '1', null]) assert.equal(reported(wrong), undefined, String(wrong));
});
