import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CautiousClock } from '../src/fence/timing.ts';

/** Both clocks run, the machine sleeps and one of them stops, or somebody sets the other. */
type Step = { do: 'run' | 'sleep' | 'set'; by: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('run' as const), by: fc.double({ min: 0, max: 300, noNaN: true }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('sleep' as const), by: fc.integer({ min: 0, max: 20_000 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('set' as const), by: fc.integer({ min: -6000, max: 6000 }) }) },
  ),
  { maxLength: 60 },
);

/** Milliseconds by which it may fall behind during a sleep, because a wall clock may be that far behind. */
const allowed = 20.001;

describe('the cautious clock', () => {
  it('never reports less time than has passed, whatever is done to the wall clock', () => {
    fc.assert(
      fc.property(steps, (done) => {
        const at = { mono: 1000, wall: 1.7e12 };
        const clock = new CautiousClock({
          mono: () => at.mono,
          wall: () => Math.floor(at.wall),
          after: () => () => {},
        });
        let said = clock.now();
        for (const step of done) {
          if (step.do !== 'sleep') at.mono += step.do === 'run' ? step.by : 0;
          at.wall += step.by;
          const now = clock.now();
          const passed = step.do === 'set' ? 0 : step.by;
          const behind = step.do === 'sleep' ? allowed + 1 : 1e-6;
          assert.ok(now - said >= passed - behind, `${JSON.stringify(step)}: it said ${now - said}`);
          said = now;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('continues at once after the wall clock was set forward and back again', () => {
    const at = { mono: 0, wall: 0 };
    const clock = new CautiousClock({ mono: () => at.mono, wall: () => at.wall, after: () => () => {} });
    at.wall += 3000;
    const before = clock.now();
    at.wall -= 3000;
    at.mono += 500;
    at.wall += 500;
    assert.equal(clock.now() - before, 500);
  });

  it('keeps the time if nothing is wrong, however often it is read', () => {
    const at = { mono: 0, wall: 0.4 };
    const clock = new CautiousClock({ mono: () => at.mono, wall: () => Math.floor(at.wall), after: () => () => {} });
    for (let i = 0; i < 600_000; i++) {
      at.mono += 0.1;
      at.wall += 0.1;
      clock.now();
    }
    assert.ok(Math.abs(clock.now() - 60_000) < 20, `it says ${clock.now()}`);
  });
});
