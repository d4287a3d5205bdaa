import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { processClock, type StoreTime, storeClock } from '../../src/authority/clock.ts';
import { day, minute, second } from '../../src/domain/limits.ts';
import { manualClock } from '../support/ports.ts';

const began = Date.UTC(2026, 0, 1);

/** A machine and a store with separate clocks: `skew` is how many milliseconds a clock gains in each second. */
class Machines {
  #passed = 0;
  #slept = 0;
  store = began;
  #wall = began;
  readonly #skew: number;

  constructor({ skew = 0, wall = 0 } = {}) {
    this.#skew = skew;
    this.#wall += wall;
  }

  readonly timing = { mono: (): number => this.#passed - this.#slept, wall: (): number => Math.floor(this.#wall) };

  pass(milliseconds: number): void {
    this.#passed += milliseconds;
    this.#wall += milliseconds;
    this.store += milliseconds * (1 + this.#skew / second);
  }

  sleep(milliseconds: number): void {
    this.pass(milliseconds);
    this.#slept += milliseconds;
  }

  setWall(by: number): void {
    this.#wall += by;
  }

  /** A request to the store whose answer takes that long, there and back. */
  ask(there = 0, back = 0): StoreTime {
    const sentAt = this.timing.mono();
    this.pass(there);
    const now = Math.floor(this.store);
    this.pass(back);
    return { now, sentAt, receivedAt: this.timing.mono() };
  }
}

const delay = fc.integer({ min: 0, max: 2 * second });
const turnsWith = (delay: fc.Arbitrary<number>) =>
  fc.array(fc.record({ pause: fc.integer({ min: 0, max: 5 * minute }), there: delay, back: delay }), { maxLength: 50 });
const turns = turnsWith(delay);
/** A slow answer says little about a clock that is wrong by a few milliseconds. */
const mostlyFast = turnsWith(
  fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 20 }) }, { weight: 1, arbitrary: delay }),
);

describe('the clock of a store', () => {
  test('it never goes back, is never ahead of the store, and is behind it at most by the fastest answer', () => {
    fc.assert(
      fc.property(turns, delay, delay, (list, there, back) => {
        const machines = new Machines();
        const { clock, note } = storeClock(machines.timing, minute, machines.ask(there, back));
        let quickest = there + back;
        let last = clock.now();
        for (const turn of list) {
          machines.pass(turn.pause);
          note(machines.ask(turn.there, turn.back));
          quickest = Math.min(quickest, turn.there + turn.back);
          const now = clock.now();
          assert.ok(now >= last, 'it went back');
          assert.ok(now <= machines.store, `it is ${now - machines.store} ms ahead`);
          assert.ok(now >= machines.store - quickest - 2, `it is ${machines.store - now} ms behind`);
          assert.equal(clock.trouble(), undefined);
          last = now;
        }
      }),
    );
  });

  test('every answer corrects a monotonic clock that runs fast or slow', () => {
    fc.assert(
      fc.property(mostlyFast, fc.double({ min: -0.5, max: 0.5, noNaN: true }), (list, skew) => {
        const machines = new Machines({ skew });
        const { clock, note } = storeClock(machines.timing, minute, machines.ask());
        let off = 0;
        for (const { pause, there, back } of list) {
          machines.pass(pause);
          note(machines.ask(there, back));
          // An answer leaves the clock off by as much as it took. What the clock has shown, it keeps until that has come.
          off = Math.max(there + back, off - pause - there - back);
          assert.ok(Math.abs(clock.nowForEnd() - machines.store) <= off + 5 * minute * 0.0005 + 5);
        }
      }),
    );
  });

  test("however wrong this machine's wall clock becomes, the time is the same", () => {
    fc.assert(
      fc.property(turns, fc.array(fc.integer({ min: -400 * day, max: 400 * day })), (list, steps) => {
        const [right, wrong] = [new Machines(), new Machines()];
        const one = storeClock(right.timing, minute, right.ask());
        const two = storeClock(wrong.timing, minute, wrong.ask());
        for (const [i, { pause, there, back }] of list.entries()) {
          for (const [machines, { note }] of [[right, one] as const, [wrong, two] as const]) {
            machines.pass(pause);
            if (machines === wrong) machines.setWall(steps[i] ?? 0);
            note(machines.ask(there, back));
          }
          assert.equal(two.clock.now(), one.clock.now());
        }
      }),
    );
  });

  for (const [off, says] of [
    [40 * day, '40 days ahead'],
    [5 * minute, '5 minutes ahead'],
    [-5 * minute, '5 minutes behind'],
    [-40 * day, '40 days behind'],
  ] as const) {
    test(`a machine that is ${says} does not join, and the error says by how much it is off`, () => {
      const machines = new Machines({ wall: off });
      assert.throws(() => storeClock(machines.timing, minute, machines.ask()), {
        code: 'clock_differs',
        message: new RegExp(`This machine's clock is ${says} of the store's`),
      });
      assert.ok(storeClock(machines.timing, 41 * day, machines.ask()), 'the bound is a setting');
    });

    test(`a machine whose clock is set ${says} while it runs reports that until the clock is right again`, () => {
      const machines = new Machines();
      const { clock, note } = storeClock(machines.timing, minute, machines.ask());
      machines.pass(second);
      machines.setWall(off);
      const noticed = clock.now();
      assert.deepEqual(clock.trouble(), {
        kind: 'machine',
        detail: `This machine's clock is ${says} of the store's.`,
        since: noticed,
      });
      machines.pass(minute);
      note(machines.ask());
      assert.deepEqual([clock.trouble()?.since, clock.offset()], [noticed, off]);
      assert.equal(clock.now(), Math.floor(machines.store), 'the time is still the store’s');
      machines.setWall(-off);
      assert.equal(clock.trouble(), undefined);
    });

    test(`a clock of the store that jumps to ${says} moves no deadline, however long it lasts, and is reported`, () => {
      const machines = new Machines();
      const { clock, note } = storeClock(machines.timing, minute, machines.ask());
      machines.store += off;
      for (let i = 0; i < 100; i++) {
        machines.pass(minute);
        note(machines.ask(10, 10));
        assert.equal(clock.now(), Math.floor(machines.timing.wall()));
        assert.equal(clock.trouble()?.kind, 'store');
      }
      assert.ok(Math.abs(clock.offset() + off) <= 20);
      machines.store -= off;
      note(machines.ask());
      assert.equal(clock.trouble(), undefined);
      assert.equal(clock.now(), Math.floor(machines.timing.wall()));
    });
  }

  test('a jump ahead that this machine makes too is followed: both clocks were corrected', () => {
    const machines = new Machines();
    const { clock, note } = storeClock(machines.timing, minute, machines.ask());
    machines.store += 40 * day;
    machines.setWall(40 * day);
    note(machines.ask());
    assert.equal(clock.now(), Math.floor(machines.store));
    assert.equal(clock.trouble(), undefined);
  });

  test('after a jump back that this machine makes too, nothing is opened or verified, but sessions can still be ended', () => {
    const machines = new Machines();
    const { clock, note } = storeClock(machines.timing, minute, machines.ask());
    machines.store -= 5 * minute;
    machines.setWall(-5 * minute);
    note(machines.ask());
    assert.throws(() => clock.now(), { code: 'clock_stepped_back' });
    assert.equal(clock.trouble()?.kind, 'stepped_back');
    assert.equal(clock.nowForEnd(), began);
    machines.pass(5 * minute);
    assert.equal(clock.now(), began, 'it has caught up');
    const again = storeClock(machines.timing, minute, machines.ask());
    assert.equal(again.clock.now(), Math.floor(machines.store), 'the next start uses the store’s time');
  });

  test('a small step back of the store’s clock, such as a time service makes, stops the time until the clock has caught up', () => {
    const machines = new Machines();
    const { clock, note } = storeClock(machines.timing, minute, machines.ask());
    machines.store -= 20 * second;
    note(machines.ask());
    machines.pass(19 * second);
    assert.equal(clock.now(), began);
    machines.pass(2 * second);
    assert.equal(clock.now(), began + second);
  });

  for (const wall of [0, 3 * minute]) {
    test(`after a sleep of the machine the first answer corrects the time${wall > 0 ? ', even if its clock is wrong' : ''}`, () => {
      const machines = new Machines();
      const { clock, note } = storeClock(machines.timing, minute, machines.ask());
      machines.setWall(wall);
      note(machines.ask());
      machines.sleep(10 * minute);
      note(machines.ask());
      assert.equal(clock.now(), Math.floor(machines.store));
      assert.equal(clock.trouble()?.kind, wall > 0 ? 'machine' : undefined);
    });
  }
});

describe('the clock of a process', () => {
  test('one that is behind the latest time in the store opens nothing, and reports that', () => {
    const source = manualClock(began);
    const clock = processClock(source, began + 40 * day);
    assert.throws(() => clock.now(), { code: 'clock_stepped_back' });
    assert.equal(clock.nowForEnd(), began + 40 * day);
    assert.equal(clock.trouble()?.kind, 'stepped_back');
    source.advance(40 * day);
    assert.equal(clock.now(), began + 40 * day);
    assert.deepEqual([clock.trouble(), clock.offset()], [undefined, 0]);
  });
});
