import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Concern, subjectOf } from '../../src/fence/concern.ts';

const session = (sessionId: string) => subjectOf({ sequence: 1, sessionId });
const user = (userId: string) => subjectOf({ sequence: 1, userId });
const all = subjectOf({ sequence: 1, all: true });

test('R22: a change to anything that was noted is always a concern, however much was noted since', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 3000 }), (names) => {
      const concern = new Concern();
      for (const name of names) {
        concern.noteSession(name);
        concern.noteUser(name);
      }
      return names.every((name) => concern.includes(session(name), false) && concern.includes(user(name), false));
    }),
    { numRuns: 30 },
  );
});

test('at most one in eight sessions that were never noted counts as a concern, even out of a hundred thousand', () => {
  const concern = new Concern();
  for (let i = 0; i < 100_000; i++) concern.noteSession(`session ${i}`);
  const wrong = Array.from({ length: 10_000 }, (_, i) => concern.includes(session(`other ${i}`), false));
  assert.ok(wrong.filter(Boolean).length < 10_000 / 8, `${wrong.filter(Boolean).length} of 10,000`);
});

test('a stream that knows nothing is concerned only by changes that an open question may be about', () => {
  const concern = new Concern();
  assert.ok(![session('a'), user('ada'), all].some((subject) => concern.includes(subject, false)));
  assert.ok([user('ada'), all].every((subject) => concern.includes(subject, true)));
  concern.noteSession('a');
  assert.ok(concern.includes(all, false));
  assert.ok(!concern.includes(user('ada'), false));
});
