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
      return names.every((name) => concern.includes(session(name)) && concern.includes(user(name)));
    }),
    { numRuns: 30 },
  );
});

test('at most one in eight sessions that were never noted counts as a concern, even out of a hundred thousand', () => {
  const concern = new Concern();
  for (let i = 0; i < 100_000; i++) concern.noteSession(`session ${i}`);
  const wrong = Array.from({ length: 10_000 }, (_, i) => concern.includes(session(`other ${i}`)));
  assert.ok(wrong.filter(Boolean).length < 10_000 / 8, `${wrong.filter(Boolean).length} of 10,000`);
});

test('a stream that knows nothing is concerned only by changes that an open question may be about', () => {
  const concern = new Concern();
  assert.ok(![session('a'), user('ada'), all].some((subject) => concern.includes(subject)));
  const answered = concern.ask('a');
  assert.ok([session('a'), user('ada'), all].every((subject) => concern.includes(subject)));
  assert.ok(!concern.includes(session('b')));
  const blindly = concern.ask(undefined);
  assert.ok(concern.includes(session('b')));
  blindly();
  answered();
  concern.noteSession('a');
  assert.ok([session('a'), all].every((subject) => concern.includes(subject)));
  assert.ok(![session('b'), user('ada')].some((subject) => concern.includes(subject)));
});

test('R22: whatever is asked in whatever order, a question is a concern until its answer, and later only if it was noted', () => {
  const id = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined });
  fc.assert(
    fc.property(fc.array(fc.record({ id, noted: fc.boolean(), after: fc.nat(5) }), { maxLength: 20 }), (questions) => {
      const concern = new Concern();
      const noted = new Set<string>();
      let open: { id: string | undefined; noted: boolean; until: number; answered: () => void }[] = [];
      for (let at = 0; at < questions.length + 6; at++) {
        for (const one of open.filter(({ until }) => until <= at)) {
          if (one.noted && one.id !== undefined) {
            concern.noteSession(one.id);
            noted.add(one.id);
          }
          one.answered();
        }
        open = open.filter(({ until }) => until > at);
        const next = questions[at];
        if (next) open.push({ ...next, until: at + 1 + next.after, answered: concern.ask(next.id) });
        assert.equal(concern.open, open.length);
        for (const name of ['a', 'b', 'c']) {
          const asked = open.some((one) => one.id === undefined || one.id === name);
          assert.equal(concern.includes(session(name)), asked || noted.has(name));
        }
        assert.equal(concern.includes(user('ada')), open.length > 0);
        assert.equal(concern.includes(all), open.length > 0 || noted.size > 0);
      }
    }),
  );
});
