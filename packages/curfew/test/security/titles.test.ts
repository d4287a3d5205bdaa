import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTitle } from '../../../../tools/security/titles.ts';

const known = new Set(['7.2.4', 'CVE-2026-7507', 'Fuzz', 'N1.2', 'keycloak 51127']);
const read = (text: string) => readTitle(text, known);

test('a title names the requirements that its test shows, before a colon', () => {
  assert.deepEqual(read('7.2.4: signing in again'), { ids: ['7.2.4'], title: 'signing in again' });
  const two = read('keycloak 51127, CVE-2026-7507: R20: ended wins');
  assert.deepEqual(two, { ids: ['keycloak 51127', 'CVE-2026-7507'], title: 'R20: ended wins' });
  assert.equal(read('Fuzz: ${' + 'what}: whatever it\\’s')?.title, '…: whatever it’s');
  for (const text of ['the session: it ends', 'R19: one epoch', 'in 7.2.4: no', 'RFC 6238 appendix B: vectors']) {
    assert.equal(read(text), undefined, text);
  }
});

test('a title that begins with an unknown requirement is refused', () => {
  for (const text of [
    '7.2.5: x',
    '7.2.4 x',
    '7.2.4 [1]: x',
    '7.2.4 CVE-2026-7507: x',
    'N9.9: x',
    'NIST x: x',
    'CVE-1: x',
  ]) {
    assert.throws(() => read(text), { message: /begins like a requirement/ }, text);
  }
});
