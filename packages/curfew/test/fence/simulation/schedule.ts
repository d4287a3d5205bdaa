import { Verifier, withMargin } from 'curfew-client/fence';
import type { UserId } from '../../../src/domain/brand.ts';
import { ProcessFence } from '../../../src/fence/index.ts';
import type { LossReason } from '../../../src/fence/log-follower.ts';
import type { LogPosition } from '../../../src/stores/contract.ts';
import { Dice, Machine, Universe } from './machine.ts';
import { Network } from './network.ts';
import { type Row, SimulatedStore } from './store.ts';

export type Outcome = {
  seed: number;
  violations: string[];
  verifications: number;
  fromMemory: number;
  changes: number;
  faults: number;
  restarts: number;
  timedOut: number;
};

/** `revoking`: a revocation of its key has started; `revoked`: that has returned. */
type App = { machine: Machine; verifier: Verifier; key: string; revoking: boolean; revoked: LogPosition | undefined };
/**
 * `serves`: its fence has started. Before that a real process accepts no requests; the simulation tries some anyway.
 */
type Node = { url: string; machine: Machine; fence: ProcessFence; serves: boolean; lease: number };
type Fault = { name: string; likely: number; happen(machine: Machine): void };
/** What had returned for a session when a verification began. */
type Floor = { version: number; ended: boolean; losses: number };

/** Milliseconds; several while the setting is being changed, one server after another. */
const leases = { same: [1000], different: [400, 1000, 2000] } as const;
/** Milliseconds for which a read of the list counts from its start (R17), by a clock that may run slow. */
const believed = (lease: number) => lease / 2 / 0.92;
/** The clocks drift apart by as much as the margin allows for: 1.08 / 0.92 is 17 %. */
const rates = [0.92, 0.92, 1, 1.08, 1.08];

/**
 * One schedule: the real nodes and verifiers on simulated machines, with a simulated store and network, and the events
 * that the seed determines. The same seed gives the same schedule.
 */
export class Schedule {
  readonly #dice: Dice;
  readonly #universe: Universe = new Universe();
  readonly #store: SimulatedStore;
  readonly #network: Network;
  readonly #nodes: Node[] = [];
  readonly #apps: App[] = [];
  readonly #floors: Map<string, Floor> = new Map();
  readonly #users: UserId[] = ['ada', 'alan'] as UserId[];
  #rows: Row[] = [];
  #made = 0;
  /** Keys are revoked only in some of the schedules, with separate dice, so that the others do not change. */
  readonly #keyDice: Dice;
  readonly #revokes: boolean;
  /** The servers' leases, which differ only in some of the schedules, with separate dice for the same reason. */
  readonly #leaseDice: Dice;
  readonly #leases: readonly number[];
  /** Without faults nobody may wait for a lease. */
  #calm = false;
  readonly outcome: Outcome;

  readonly #tell: (line: () => string) => void;

  constructor(seed: number, tell?: (line: string) => void) {
    this.#tell = (line) => tell?.(`${this.#universe.now.toFixed(1)} ${line()}`);
    this.#dice = new Dice(seed);
    this.#keyDice = new Dice(~seed);
    this.#revokes = this.#keyDice.chance(0.25);
    this.#leaseDice = new Dice(seed ^ 0x5bd1e995);
    this.#leases = this.#leaseDice.chance(0.15) ? leases.different : leases.same;
    this.#store = new SimulatedStore(this.#universe, this.#dice);
    this.#network = new Network(this.#universe, this.#dice);
    const faults = this.#everyFault();
    this.#faults = this.#dice.chance(0.5)
      ? faults
      : Array.from({ length: 3 }, () => ({ ...this.#dice.pick(faults), likely: 1 }));
    this.outcome = {
      seed,
      violations: [],
      verifications: 0,
      fromMemory: 0,
      changes: 0,
      faults: 0,
      restarts: 0,
      timedOut: 0,
    };
  }

  async run(): Promise<Outcome> {
    const dice = this.#dice;
    const nodes = dice.chance(0.3) ? 1 : dice.chance(0.6) ? 2 : 3;
    for (let i = 0; i < nodes; i++) this.#nodes.push(this.#startNode(`n${i}`));
    for (let i = 0; i < 2; i++) this.#apps.push(this.#startApp(`a${i}`));
    for (let i = 0; i < 3; i++) this.#newSession();
    await this.#universe.run(60);
    this.#calm = dice.chance(0.15);
    const calm = this.#calm;
    this.#network.trouble = calm ? 0 : dice.pick([0, 0.05, 0.2]);
    this.#store.trouble = calm ? 0 : dice.pick([0, 0.02, 0.1]);
    const end = this.#universe.now + 7000;
    const busy = dice.chance(0.2);
    this.#again(
      end,
      () => dice.between(1, 40),
      () => this.#verifySomewhere(),
    );
    this.#again(
      end,
      // Some are busy: they make changes without a pause, so that every answer arrives after others have happened.
      busy ? () => dice.between(1, 20) : () => dice.between(40, 900),
      () => this.#changeSomething(),
    );
    if (this.#revokes) {
      this.#again(
        end,
        () => this.#keyDice.between(300, 2500),
        () => this.#revokeSomething(),
      );
    }
    if (!calm)
      this.#again(
        end,
        () => dice.between(100, 1500),
        () => this.#hurtSomething(),
      );
    await this.#universe.run(end);
    await this.#heal();
    return this.outcome;
  }

  get #longest(): number {
    return Math.max(...this.#leases);
  }

  #again(until: number, pause: () => number, work: () => void): void {
    const next = () => {
      if (this.#universe.now > until) return;
      work();
      this.#universe.in(pause(), undefined, next);
    };
    this.#universe.in(pause(), undefined, next);
  }

  #startNode(url: string): Node {
    const machine = new Machine(this.#universe, url, this.#dice.pick(rates), this.#dice);
    const lease = this.#leaseDice.pick(this.#leases);
    const fence = () =>
      new ProcessFence({
        store: this.#store.seenFrom(machine),
        timing: machine.timing,
        newId: () => `${url}-${this.#made++}`,
        verifyFromStore: (token) => this.#store.judge(machine, token as string),
        now: () => machine.date(),
        lastSeen: (stored) => stored.lastSeenAt,
        noteUse() {},
        admit: (key) => (this.#revokes ? this.#store.admit(machine, key) : Promise.resolve({ id: key, name: key })),
        lease,
        assumedLease: this.#longest,
        capacity: 100,
        onRestart: (reason, detail) => this.#judgeRestart(url, reason, detail),
        onError() {},
      });
    const node: Node = { url, machine, fence: fence(), serves: false, lease };
    // A process whose start fails ends, and is replaced.
    const start = (): unknown =>
      node.fence.start().then(
        () => {
          node.serves = true;
        },
        () => {
          node.fence.node.abandon();
          node.fence = fence();
          machine.timing.after(200, start);
        },
      );
    void start();
    this.#network.listen(url, { machine, attach: (stream) => node.fence.attach(stream) });
    if (this.#nodes.length > 0) this.#whileItStarts(node);
    return node;
  }

  #startApp(name: string): App {
    const machine = new Machine(this.#universe, name, this.#dice.pick(rates), this.#dice);
    const key = this.#revokes ? `cfk_${this.#made++}` : 'cfk_';
    const verifier = new Verifier(
      { urls: this.#nodes.map(({ url }) => url), key, capacity: 100, timeout: 2000 },
      {
        timing: machine.timing,
        random: () => this.#dice.next(),
        holder: `${name}-${this.#made++}`,
        connect: (url, events) => this.#network.connect(machine, url, events),
      },
    );
    return { machine, verifier, key, revoking: false, revoked: undefined };
  }

  #newSession(): void {
    const n = this.#made++;
    const row: Row = {
      id: String(n).padStart(22, '0') as never,
      userId: this.#dice.pick(this.#users),
      version: 1,
      highest: 1,
      ended: false,
      losses: 0,
      secret: 's'.repeat(49),
    };
    this.#rows = [...this.#rows.filter(({ ended }) => !ended).slice(-3), row];
    this.#floors.set(row.id, { version: 1, ended: false, losses: 0 });
    this.#store.create(row);
  }

  #verifySomewhere(there?: Node): void {
    const dice = this.#dice;
    if (this.#rows.length === 0) return;
    const row = dice.pick(this.#rows);
    const own = there !== undefined || dice.chance(0.25);
    const where = own ? (there ?? dice.pick(this.#nodes)) : dice.pick(this.#apps);
    this.#verify(row, where);
    // The same again, perhaps while the first question is open.
    if (dice.chance(0.2)) this.#universe.in(dice.between(0, 60), undefined, () => this.#verify(row, where));
  }

  #verify(row: Row, where: App | Node): void {
    const token = `cfs_${row.id}${row.secret}`;
    const { machine } = where;
    if (machine.dead || machine.frozen) return;
    const floor = { ...this.#floorOf(row) };
    const revoked = 'verifier' in where ? where.revoked : undefined;
    this.outcome.verifications += 1;
    const judge = (version: number | undefined, how: string) => {
      if (version !== undefined && revoked && !this.#store.lossOf(revoked))
        this.outcome.violations.push(
          `${machine.name} was answered ${how} at ${this.#universe.now.toFixed(1)}; its key was revoked`,
        );
      if (version === undefined || (!floor.ended && version >= floor.version)) return;
      // The change that it was judged by was lost meanwhile.
      if (floor.losses !== row.losses) return;
      const was = floor.ended ? 'had ended' : `was at version ${floor.version}`;
      this.outcome.violations.push(
        `${machine.name} answered ${row.id} active at version ${version} ${how} at ${this.#universe.now.toFixed(1)}; it ${was}`,
      );
    };
    if ('fence' in where) {
      const known = where.fence.check(token);
      if (known?.active) {
        this.outcome.fromMemory += 1;
        judge(versionOf(known.stored.accessGroups), 'from memory');
        return;
      }
      void where.fence.verifyFenced(token).then(
        (verdict) => judge(verdict.active ? versionOf(verdict.stored.accessGroups) : undefined, 'after a question'),
        () => {},
      );
      return;
    }
    const known = where.verifier.check(token);
    if (known) {
      this.outcome.fromMemory += 1;
      judge(versionOf(known.session.accessGroups), 'from memory');
      return;
    }
    void where.verifier.verify(token).then(
      (verdict) => judge(verdict.active ? versionOf(verdict.session.accessGroups) : undefined, 'after a question'),
      () => {},
    );
  }

  #changeSomething(there?: Node): void {
    const dice = this.#dice;
    if (this.#rows.length === 0) return;
    const { machine, fence, serves, lease } = there ?? dice.pick(this.#nodes);
    if (machine.dead || machine.frozen) return;
    const row = dice.pick(this.#rows);
    const kind = dice.next();
    const scope = kind < 0.7 ? { row } : kind < 0.93 ? { userId: row.userId } : ('all' as const);
    const end = dice.chance(0.4);
    void this.#store.change(machine, scope, end).then(
      async ({ entry, touched }) => {
        this.#tell(() => `${machine.name} wrote ${entry.sequence}: ${touched.map(told).join(', ')}`);
        const began = machine.timing.mono();
        const waits = this.#universe.now;
        const receipt = await fence.awaitEverywhere(entry.sequence, 'everywhere').catch(() => undefined);
        // The store was failed over meanwhile, and reports that the outcome is unknown.
        if (!receipt) return;
        this.#tell(() => `${machine.name} returned ${JSON.stringify(receipt)}`);
        this.outcome.changes += 1;
        if (receipt.by === 'timeout') this.outcome.timedOut += 1;
        const lost = this.#store.lossOf(entry);
        if (!lost) for (const one of touched) this.#promise(one);
        // A change that a failover lost promises nothing, but must not return much later: it was lost while it waited.
        else if (serves && !lost.silently && waits < lost.at && this.#universe.now - lost.at > believed(lease) + 10) {
          this.outcome.violations.push(
            `change ${entry.sequence} returned at ${this.#universe.now.toFixed(1)}; it was lost`,
          );
        }
        const took = machine.timing.mono() - began;
        // At the end the store is asked once more, and has half a lease to answer.
        if (took > withMargin(this.#longest) + lease / 2 + 5 && !this.#disturbed.has(machine)) {
          this.outcome.violations.push(`a change waited ${took.toFixed(0)} ms`);
        }
        if (!receipt.everywhere) this.outcome.violations.push('a receipt does not say everywhere');
        if (receipt.by === 'timeout') this.#judgeTimeout(`change ${entry.sequence}`, waits);
      },
      () => {},
    );
    if (this.#rows.filter(({ ended }) => !ended).length < 3) this.#newSession();
  }

  /** Revokes the key of an application, which continues for a while as if it were valid; then it gets another one. */
  #revokeSomething(): void {
    const dice = this.#keyDice;
    const at = Math.floor(dice.next() * this.#apps.length);
    const app = this.#apps[at]!;
    const { machine, fence } = dice.pick(this.#nodes);
    if (machine.dead || machine.frozen || app.revoking) return;
    app.revoking = true;
    void this.#store.revoke(machine, app.key).then(
      async (entry) => {
        this.#tell(() => `${machine.name} wrote ${entry.sequence}: ${app.machine.name}'s key is revoked`);
        const waits = this.#universe.now;
        const receipt = await fence.awaitEverywhere(entry.sequence, 'everywhere').catch(() => undefined);
        if (!receipt) return;
        this.#tell(() => `${machine.name} returned ${JSON.stringify(receipt)}`);
        this.outcome.changes += 1;
        if (!this.#store.lossOf(entry)) app.revoked = entry;
        if (receipt.by === 'timeout') this.#judgeTimeout(`revocation ${entry.sequence}`, waits);
      },
      () => {},
    );
    this.#within(800, 8, () => this.#verify(dice.pick(this.#rows), app));
    this.#universe.in(dice.between(1000, 3500), undefined, () => this.#replace(app));
  }

  /** A wait for a lease needs a reason; a slow store when the nodes began is one, for a while. */
  #judgeTimeout(change: string, since: number): void {
    if (this.#calm && since > this.#store.slowUntil + 2 * this.#longest)
      this.outcome.violations.push(`${change} waited for a lease, and nothing was wrong`);
  }

  #replace(app: App): void {
    const at = this.#apps.indexOf(app);
    if (at < 0) return;
    app.machine.kill();
    this.#apps[at] = this.#startApp(`a${at}`);
  }

  #promise({ id, version, ended }: Readonly<Row>): void {
    const floor = this.#floorOf(this.#store.rows.get(id)!);
    floor.version = Math.max(floor.version, version);
    floor.ended ||= ended;
  }

  /** What had returned for a session and has not been lost since. */
  #floorOf(row: Row): Floor {
    const floor = this.#floors.get(row.id)!;
    if (floor.losses === row.losses) return floor;
    const fresh = {
      version: Math.min(floor.version, row.version),
      ended: row.ended && floor.ended,
      losses: row.losses,
    };
    this.#floors.set(row.id, fresh);
    return fresh;
  }

  /** A node may start over only for a reason that has happened, and not repeatedly. */
  #judgeRestart(url: string, reason: LossReason, detail: string): void {
    this.#tell(() => `${url} starts over: ${reason}, ${detail}`);
    this.outcome.restarts += 1;
    const { trims, failovers, replacements } = this.#store.happened;
    const possible = { log_trimmed: trims, log_replaced: replacements, store_incarnation: failovers }[reason];
    const key = `${url} ${reason}`;
    const times = (this.#restarts.get(key) ?? 0) + 1;
    this.#restarts.set(key, times);
    // An answer in transit during the failover may make it start over once more.
    if (times > 2 * possible)
      this.outcome.violations.push(`${url} started over without a reason: ${reason}, ${detail}`);
  }

  readonly #restarts: Map<string, number> = new Map();

  /** Machines whose own timers were late, so that their waits may be too. */
  readonly #disturbed: Set<Machine> = new Set();

  /**
   * The possible faults and their probabilities. Half of the schedules have only three kinds, each as likely: a
   * violation that needs several of one kind is rare if everything happens.
   */
  readonly #faults: readonly Fault[];

  #hurtSomething(): void {
    const dice = this.#dice;
    this.outcome.faults += 1;
    const all = this.#faults.reduce((sum, { likely }) => sum + likely, 0);
    let at = dice.next() * all;
    const fault = this.#faults.find(({ likely }) => {
      at -= likely;
      return at < 0;
    })!;
    const { machine } = dice.pick([...this.#nodes, ...this.#apps]);
    this.#tell(() => `${fault.name}: ${machine.name}`);
    fault.happen(machine);
  }

  #everyFault(): Fault[] {
    const [dice, store] = [this.#dice, this.#store];
    return [
      { name: 'stop', likely: 30, happen: (machine) => this.#stop(machine, dice.between(5, 3000)) },
      { name: 'cut', likely: 20, happen: () => this.#network.cut(dice.pick([0.3, 1])) },
      { name: 'step', likely: 12, happen: (machine) => machine.step(dice.between(-5000, 5000)) },
      {
        name: 'drift',
        likely: 8,
        happen: (machine) => {
          this.#disturbed.add(machine);
          machine.drift(dice.pick(rates));
        },
      },
      {
        name: 'outage',
        likely: 10,
        happen: () => {
          store.down = true;
          this.#universe.in(dice.between(10, 2000), undefined, () => {
            store.down = false;
          });
        },
      },
      { name: 'trim', likely: 6, happen: () => this.#trimUnread() },
      { name: 'fail over', likely: 8, happen: () => this.#failOver() },
      { name: 'kill', likely: 13, happen: () => this.#killSomething() },
      ...(this.#leases.length > 1
        ? [{ name: 'fail over at a start', likely: 12, happen: () => this.#failOverAtStart() }]
        : []),
    ];
  }

  #stop(machine: Machine, milliseconds: number): void {
    this.#disturbed.add(machine);
    machine.stop(this.#dice.chance(0.3));
    this.#universe.in(milliseconds, undefined, () => machine.resume());
  }

  /** A node is stopped, or reads slowly, while the log grows; then some entries that it has not read are trimmed. */
  #trimUnread(): void {
    const dice = this.#dice;
    const long = dice.between(300, 2000);
    this.#within(long, 4, () => this.#changeSomething());
    const trim = () => this.#store.trim(dice.between(0, 1));
    if (dice.chance(0.5)) {
      this.#universe.in(long, undefined, trim);
      this.#stop(dice.pick(this.#nodes).machine, long);
    } else {
      this.#store.slowUntil = this.#universe.now + long;
      this.#within(long, 4, trim);
      this.#within(long, 12, () => this.#verifySomewhere());
    }
  }

  /** The store is replaced while changes wait; nodes start over, quickly or not, and changes continue. */
  #failOver(): void {
    const soon = this.#dice.between(5, 200);
    if (this.#dice.chance(0.5)) this.#network.slowUntil = this.#universe.now + soon;
    this.#within(soon, 3, () => this.#changeSomething());
    this.#universe.in(soon, undefined, () => {
      const dice = this.#dice;
      // Few entries are lost, nothing reports it, and their sequences are reused before anybody reads on.
      const unnoticed = dice.chance(0.25);
      const lost = unnoticed ? Math.ceil(dice.between(0, 3)) : dice.chance(0.3) ? 0 : Math.floor(dice.between(1, 12));
      this.#store.failOver(lost, unnoticed ? 'unseen' : dice.pick(['lost', 'as then', 'unseen'] as const));
      // What is left of the rows is their floor from now on.
      for (const row of this.#store.rows.values()) this.#floorOf(row);
      // The lost sequences are reused, and exceeded.
      if (unnoticed) this.#within(dice.between(2, 40), lost + 3, () => this.#changeSomething());
      else if (dice.chance(0.6)) this.#within(dice.between(20, 900), lost + 4, () => this.#changeSomething());
      if (this.#dice.chance(0.4)) for (const node of this.#nodes) this.#whileItStarts(node);
      else {
        this.#within(600, 6, () => this.#changeSomething());
        this.#within(600, 24, () => this.#verifySomewhere());
      }
    });
  }

  /**
   * The row of a node that has just started is lost in a failover, and the node freezes. Another node, which was down
   * before, so that applications have moved, has never seen that row and makes changes.
   */
  #failOverAtStart(): void {
    const dice = this.#leaseDice;
    const first = Math.floor(dice.next() * this.#nodes.length);
    const second = (first + 1) % this.#nodes.length;
    this.#nodes[second]!.machine.kill();
    this.#restart(first);
    const soon = dice.between(300, 1500);
    this.#within(soon, 24, () => this.#verifySomewhere());
    this.#universe.in(soon, undefined, () => {
      if (first !== second) this.#stop(this.#nodes[first]!.machine, dice.between(500, 3000));
      this.#store.failOver(Math.floor(dice.between(0, 3)), 'lost');
      for (const row of this.#store.rows.values()) this.#floorOf(row);
      this.#restart(second);
      this.#within(1500, 10, () => this.#changeSomething(this.#nodes[second]));
      this.#within(3000, 60, () => this.#verifySomewhere());
    });
  }

  /** Another process at the address of a node that may have been killed already. */
  #restart(at: number): void {
    const { machine, url } = this.#nodes[at]!;
    machine.kill();
    this.#nodes[at] = this.#startNode(url);
  }

  /** The store is slow for some nodes, while others ask and change. */
  #whileItStarts(node: Node): void {
    const long = this.#dice.between(20, this.#dice.chance(0.5) ? 150 : 800);
    this.#store.slowUntil = this.#universe.now + long;
    this.#within(long + 100, 24, () => this.#verifySomewhere(node));
    // All at one server, sometimes: later ones then find it already asking for earlier ones.
    const there = this.#dice.chance(0.5) ? this.#dice.pick(this.#nodes) : undefined;
    this.#within(long, there ? 10 : 4, () => this.#changeSomething(there));
  }

  /** Does something that many times, at random moments in the next milliseconds. */
  #within(milliseconds: number, times: number, work: () => void): void {
    for (let i = 0; i < times; i++) this.#universe.in(this.#dice.between(0, milliseconds), undefined, work);
  }

  #killSomething(): void {
    const dice = this.#dice;
    const revive = dice.between(10, 1500);
    if (dice.chance(0.6)) {
      const at = Math.floor(dice.next() * this.#nodes.length);
      const node = this.#nodes[at]!;
      // A planned end says goodbye, and removes its row.
      if (dice.chance(0.6) && !node.machine.frozen) {
        // A verifier with a valid lease must not use it after a change elsewhere.
        this.#within(300, 6, () => this.#changeSomething());
        this.#within(300, 12, () => this.#verifySomewhere());
        void node.fence.close().then(
          () => node.machine.kill(),
          () => node.machine.kill(),
        );
      } else node.machine.kill();
      this.#network.cut(0.3);
      this.#universe.in(revive, undefined, () => {
        node.machine.kill();
        // It may have been killed twice: there is one process at one address.
        this.#restart(at);
      });
    } else {
      const at = Math.floor(dice.next() * this.#apps.length);
      this.#apps[at]!.machine.kill();
      this.#apps[at] = this.#startApp(`a${at}`);
    }
  }

  /** Ends all faults: then every verifier must answer, and every end return, before long. */
  async #heal(): Promise<void> {
    this.#network.trouble = 0;
    this.#store.trouble = 0;
    this.#store.down = false;
    for (const { machine } of [...this.#nodes, ...this.#apps]) machine.resume();
    // Not before the faults and the leases have ended: a change that waits for a killed verifier waits for a lease.
    for (const app of this.#apps)
      if (app.revoking) this.#universe.in(2 * this.#longest, undefined, () => this.#replace(app));
    await this.#universe.run(this.#universe.now + 14_000);
    this.#newSession();
    const row = this.#rows.at(-1)!;
    const token = `cfs_${row.id}${row.secret}`;
    const answered = new Set<string>();
    for (const { machine, verifier } of this.#apps) {
      void verifier.verify(token).then(
        ({ active }) => active && answered.add(machine.name),
        () => {},
      );
    }
    await this.#universe.run(this.#universe.now + 3000);
    for (const { machine } of this.#apps) {
      if (!answered.has(machine.name)) this.outcome.violations.push(`${machine.name} does not recover`);
    }
  }
}

function told({ id, version, ended }: Readonly<Row>): string {
  return `${Number(id)} ${ended ? 'ended' : `at ${version}`}`;
}

function versionOf(groups: readonly string[]): number {
  return Number(groups[0]!.slice(1));
}
