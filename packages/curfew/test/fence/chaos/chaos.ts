import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Client, CurfewApiError } from 'curfew-client';
import { makeKey } from '../../../src/authority/keys.ts';
import { random } from '../../support/ports.ts';
import { clientFor, type ServerProcess, startProcess } from '../../support/process.ts';
import { Checker, type Judgement, type Verified } from './history.ts';
import { type ProxyServer, startProxy } from './proxy.ts';
import { type Restart, restartIn, type StoreChange, unexplained } from './restarts.ts';

/** The store that the servers share: how they are configured for it, and what can be done to it. */
export type ChaosStore = {
  env: Record<string, string>;
  nodes: number;
  restart?: () => Promise<void>;
  /** How many times a restart makes it another store; 0 if absent. */
  restartChanges?: number;
  standby?: Standby;
};

/** The standby that can take the store's place. */
export type Standby = {
  /** The standby has everything acknowledged before the call, and gets nothing from then on. */
  lag(): Promise<void>;
  /** The old primary is gone permanently, and the standby serves in its place. */
  promote(): Promise<void>;
  /** Creates the next standby. */
  renew(): Promise<void>;
};

export type ChaosReport = Judgement & {
  seconds: number;
  faults: Record<string, number>;
  ends: number;
  waits: { p50: number; p99: number; max: number };
  by: { acks: number; timeout: number };
  expired: number;
  /** Changes that were not acknowledged, by error code. */
  refused: Record<string, number>;
  fromMemory: number;
  /** How often servers started over, by reason. */
  restarts: Record<string, number>;
  unexplained: Restart[];
  /** Servers that ended unexpectedly, with their last output. */
  crashes: string[];
  /** The most sessions whose changes the checker has remembered. */
  remembered: number;
};

/** Applications reach it through its proxy; the test's client reaches it directly. */
type Node = { server: ServerProcess | undefined; proxy: ProxyServer; client: Client };
/** A server that is or was running, and what its log has reported. */
type Watched = { server: ServerProcess; started: number; restarts: Restart[] };
type App = { child: ChildProcess; at: number };
/** `firstApp`: the first of the applications that verify it. */
type Session = { id: string; userId: string; token: string; version: number; firstApp: number };
type Receipt = { everywhere: boolean; by: 'acks' | 'timeout'; waitedMs: number; verifiers: { expired: number } };

const applications = 6;
/** The number of applications that verify a session, so that an end never concerns all of them. */
const appsOfSession = 2;
/** The number of sessions that are active at a time. */
const lively = 300;
/** Ends per second according to the schedule. Ends that a fault delays are caught up with afterwards. */
const rate = 150;
/** After this many ends follows a change of groups. */
const changesAfter = 4;
const mostUnderWay = 900;
/**
 * The most to begin at once, every ten milliseconds; with fewer, late timers on a busy machine would reduce the load.
 */
const mostAtOnce = 20;
const tick = 10;
/** How often an end is tried, at another server each time, until one acknowledges it. */
const attempts = 5;
/** Milliseconds for which an ended session is still verified after its end has returned, or nobody acknowledged it. */
const verifiedYet = 1500;
/** Lines that are kept of a server's output. */
const mostTold = 20;
const afterRefusal = 100;
/** Milliseconds; each start of a server picks one. */
const leases = [400, 700, 1000] as const;
/** Milliseconds between faults, in a fleet of three; smaller fleets get fewer. */
const betweenFaults = [1000, 4000] as const;
/** How long the store is left alone after it serves again: in a short run, this share of it. */
const storeRests = [20_000, 40_000] as const;
const shareOfRun = [1 / 3, 2 / 3] as const;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** Real servers and applications, killed, stopped, cut off and slowed while everything that they report is recorded. */
export class Chaos {
  readonly #store: ChaosStore;
  readonly #key: string = makeKey(Date.now(), random);
  readonly #nodes: Node[] = [];
  readonly #watched: Watched[] = [];
  readonly #apps: App[] = [];
  readonly #checker: Checker = new Checker();
  /** All sessions that applications verify; those that nobody is changing are `free`. */
  readonly #sessions: Map<string, Session> = new Map();
  readonly #free: Session[] = [];
  /** Sessions that applications were told to drop, and the applications that have not answered yet. */
  readonly #dropping: Map<string, Set<ChildProcess>> = new Map();
  readonly #news = { add: [] as Session[], drop: [] as Session[] };
  readonly #storeChanges: StoreChange[] = [];
  readonly #faults: Record<string, number> = {};
  readonly #crashes: string[] = [];
  readonly #waits: number[] = [];
  readonly #refused: Record<string, number> = {};
  readonly #by = { acks: 0, timeout: 0 };
  readonly #underWay: Set<Promise<void>> = new Set();
  #opening = 0;
  #ending = 0;
  #ends = 0;
  #expired = 0;
  #fromMemory = 0;
  #remembered = 0;
  #running = true;

  constructor(store: ChaosStore) {
    this.#store = store;
  }

  /**
   * Runs for so many seconds; and on a busy machine longer, up to five times, until there were so many ends, and more than
   * so many verifications that said active.
   */
  async run(seconds: number, least: { ends: number; active: number }): Promise<ChaosReport> {
    const telling = setInterval(() => this.#tellNews(), 20);
    const reading = setInterval(() => this.#readLogs(), 200);
    let began = now();
    try {
      for (let i = 0; i < this.#store.nodes; i++) await this.#addNode();
      for (let i = 0; i < applications; i++) this.#apps.push(this.#startApp(i));
      began = now();
      const until = began + seconds * 1000;
      const isEnough = () => this.#ends >= least.ends && this.#checker.judgement.active > least.active;
      const goesOn = () => now() < until || (!isEnough() && now() < began + 5 * seconds * 1000);
      await Promise.all([this.#workAlong(began, goesOn), this.#hurtAlong(goesOn), this.#hurtStoreAlong(until)]);
      this.#running = false;
      await Promise.all(this.#apps.map((app) => stopApp(app)));
    } finally {
      this.#running = false;
      clearInterval(telling);
      for (const { child } of this.#apps) child.kill('SIGKILL');
      for (const { server, proxy } of this.#nodes) {
        await server?.stop('SIGKILL').catch(() => {});
        proxy.close();
      }
      clearInterval(reading);
      this.#readLogs();
    }
    return this.#report(Math.round((now() - began) / 1000));
  }

  #report(seconds: number): ChaosReport {
    const sorted = [...this.#waits].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const restarts: Record<string, number> = {};
    for (const { reason } of this.#watched.flatMap((watched) => watched.restarts)) {
      restarts[reason] = (restarts[reason] ?? 0) + 1;
    }
    return {
      ...this.#checker.judgement,
      seconds,
      faults: this.#faults,
      ends: this.#ends,
      waits: { p50: at(0.5), p99: at(0.99), max: at(1) },
      by: this.#by,
      expired: this.#expired,
      refused: this.#refused,
      fromMemory: this.#fromMemory,
      restarts,
      unexplained: this.#watched.flatMap(({ restarts, started }) => unexplained(restarts, started, this.#storeChanges)),
      crashes: this.#crashes,
      remembered: this.#remembered,
    };
  }

  // ---- Servers

  async #addNode(): Promise<void> {
    const proxy = await startProxy();
    const node: Node = { server: undefined, proxy, client: clientFor(proxy, this.#key) };
    this.#nodes.push(node);
    await this.#startNode(node);
  }

  async #startNode(node: Node): Promise<void> {
    const started = Date.now();
    const server = await startProcess({
      ...this.#store.env,
      CURFEW_API_KEY: this.#key,
      CURFEW_ADMIN_PASSWORD: 'correct horse battery',
      CURFEW_LOG_LEVEL: 'info',
      // As while the setting is being changed, one server after another.
      CURFEW_LEASE_MS: String(leases[randomInt(leases.length)]!),
    });
    node.server = server;
    this.#watched.push({ server, started, restarts: [] });
    node.proxy.target.port = Number(new URL(server.url).port);
    node.client = clientFor(server, this.#key);
    // A server that is killed on purpose is no longer the node's.
    server.child.once('exit', (code, signal) => {
      if (node.server !== server) return;
      node.server = undefined;
      if (!this.#running) return;
      this.#crashes.push(`it ended with ${code ?? signal}: ${server.told.join('\n')}`);
      void this.#bringBack(node);
    });
  }

  async #replace(node: Node, server: ServerProcess): Promise<void> {
    node.server = undefined;
    await server.stop('SIGKILL');
    await this.#bringBack(node);
  }

  async #bringBack(node: Node): Promise<void> {
    while (this.#running && !node.server) {
      // It does not start without its store, which may still be starting too.
      await this.#startNode(node).catch(() => pause(200));
    }
    // A server that started after everything was over.
    const late = node.server as ServerProcess | undefined;
    if (!this.#running) await late?.stop('SIGKILL');
  }

  /** Reads what the servers have logged, so that it does not accumulate in memory. */
  #readLogs(): void {
    for (const { server, restarts } of this.#watched) {
      server.told.splice(0, server.told.length - mostTold);
      for (const line of server.log.splice(0)) {
        const restart = restartIn(line);
        if (restart) restarts.push(restart);
      }
    }
  }

  // ---- Applications

  #startApp(at: number): App {
    const name = `app ${at}`;
    const urls = this.#nodes.map(({ proxy }) => proxy.url).join();
    const child = fork(fileURLToPath(new URL('application.ts', import.meta.url)), [urls, this.#key, name], {
      execArgv: ['--conditions=curfew-source'],
      serialization: 'advanced',
    });
    let memory = 0;
    type Message = { seen?: [string, number, number, number][]; done?: string[]; counts?: { memory: number } };
    child.on('message', ({ seen = [], done = [], counts }: Message) => {
      for (const [session, at, answer, times] of seen) {
        const verified: Verified = { kind: 'verify', session, began: at, answer, times, by: name };
        this.#checker.note(verified);
      }
      for (const session of done) this.#dropped(session, child);
      this.#fromMemory += (counts?.memory ?? memory) - memory;
      memory = counts?.memory ?? memory;
    });
    child.on('error', () => {});
    // After its last message.
    child.on('disconnect', () => {
      for (const session of [...this.#dropping.keys()]) this.#dropped(session, child);
    });
    // Every application gets the news, and only once.
    this.#tellNews();
    child.send({ add: tokensOf(at, [...this.#sessions.values()]) }, () => {});
    return { child, at };
  }

  #tellNews(): void {
    const add = this.#news.add.splice(0);
    const drop = this.#news.drop.splice(0);
    if (add.length === 0 && drop.length === 0) return;
    const told = this.#apps.filter(({ child }) => child.connected);
    for (const session of drop) {
      const by = told.filter(({ at }) => isVerifiedBy(at, session)).map(({ child }) => child);
      this.#dropping.set(session.id, new Set(by));
      if (by.length === 0) this.#forget(session.id);
    }
    for (const { child, at } of told) {
      const dropped = drop.filter((session) => isVerifiedBy(at, session)).map(({ id }) => id);
      child.send({ add: tokensOf(at, add), drop: dropped }, () => {});
    }
  }

  #dropped(session: string, child: ChildProcess): void {
    const waiting = this.#dropping.get(session);
    if (waiting?.delete(child) && waiting.size === 0) this.#forget(session);
  }

  /** Everything that any application has seen of it has been reported. */
  #forget(session: string): void {
    this.#dropping.delete(session);
    this.#checker.forget(session);
  }

  // ---- Load

  /** Opens, changes and ends sessions on a schedule, and records when each answer came. */
  async #workAlong(began: number, goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      for (let i = 0; i < mostAtOnce; i++) {
        if (this.#free.length + this.#opening < lively) this.#begin(() => this.#open());
        const due = ((now() - began) * rate) / 1000;
        if (this.#ends + this.#ending < due) this.#changeOne();
      }
      this.#remembered = Math.max(this.#remembered, this.#checker.remembered);
      await pause(tick);
    }
    await Promise.all(this.#underWay);
  }

  #begin(work: () => Promise<void>): void {
    if (this.#underWay.size >= mostUnderWay) return;
    const done = work().finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  /** Calls any running server, as a load balancer would. A change that was not acknowledged promised nothing. */
  async #ask(work: (client: Client) => Promise<void>): Promise<void> {
    const running = this.#nodes.filter(({ server }) => server);
    const nodes = running.length > 0 ? running : this.#nodes;
    try {
      await work(nodes[randomInt(nodes.length)]!.client);
    } catch (error) {
      const code = error instanceof CurfewApiError ? error.code : String(error);
      this.#refused[code] = (this.#refused[code] ?? 0) + 1;
      await pause(afterRefusal);
    }
  }

  #changeOne(): void {
    const ended = this.#take();
    if (ended) this.#begin(() => this.#end(ended));
    const changed = this.#ends % changesAfter === 0 ? this.#take() : undefined;
    if (changed) this.#begin(() => this.#changeGroups(changed));
  }

  /** Any session that nobody is changing. */
  #take(): Session | undefined {
    const last = this.#free.pop();
    const at = randomInt(this.#free.length + 1);
    const taken = this.#free[at] ?? last;
    if (last && taken !== last) this.#free[at] = last;
    return taken;
  }

  async #open(): Promise<void> {
    this.#opening += 1;
    await this.#ask(async (client) => {
      const userId = `user ${randomInt(1e9)}`;
      const { session, token } = await client.createSession({ userId, accessGroups: ['v1'] });
      const opened = { id: session.id, userId, token, version: 1, firstApp: randomInt(applications) };
      this.#sessions.set(session.id, opened);
      this.#free.push(opened);
      this.#news.add.push(opened);
    });
    this.#opening -= 1;
  }

  async #changeGroups(session: Session): Promise<void> {
    const { id, userId } = session;
    const from = `v${session.version}`;
    session.version += 1;
    const { version } = session;
    await this.#ask(async (client) => {
      const asked = now();
      const { receipt } = await client.changeAccessGroups({ userId, add: [`v${version}`], remove: [from] });
      this.#returned(id, asked, version, receipt);
    });
    this.#free.push(session);
  }

  async #end(session: Session): Promise<void> {
    const { id, userId } = session;
    let ended = false;
    this.#ending += 1;
    for (let attempt = 0; attempt < attempts && this.#running && !ended; attempt++) {
      await this.#ask(async (client) => {
        const asked = now();
        const { receipt } =
          randomInt(2) === 0 ? await client.endUserSessions({ userId }) : await client.endSession({ id });
        ended = this.#returned(id, asked, 0, receipt);
      });
    }
    this.#ending -= 1;
    if (ended) this.#ends += 1;
    setTimeout(() => {
      this.#sessions.delete(id);
      this.#news.drop.push(session);
    }, verifiedYet).unref();
  }

  #returned(session: string, asked: number, version: number, receipt: Receipt): boolean {
    if (!receipt.everywhere) return false;
    this.#checker.note({ kind: 'change', session, asked, returned: now(), version });
    this.#waits.push(receipt.waitedMs);
    this.#by[receipt.by] += 1;
    this.#expired += receipt.verifiers.expired;
    return true;
  }

  // ---- Faults

  async #hurtAlong(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      await this.#hurt();
      await pause((randomInt(...betweenFaults) * 3) / this.#store.nodes);
    }
  }

  async #hurt(): Promise<void> {
    const node = this.#nodes[randomInt(this.#nodes.length)]!;
    const app = this.#apps[randomInt(this.#apps.length)]!;
    const kinds: Record<string, () => Promise<void> | void> = {
      // A server takes seconds to restart, while other faults happen as well.
      ...(node.server && {
        'node killed': () => void this.#replace(node, node.server!),
        'node stopped': () => stopAndContinue(node.server!.child, randomInt(50, 3000)),
      }),
      'application killed': () => {
        app.child.kill('SIGKILL');
        this.#apps[app.at] = this.#startApp(app.at);
      },
      'application stopped': () => stopAndContinue(app.child, randomInt(50, 3000)),
      'connections cut': () => node.proxy.cut(),
      'connections slowed': () => {
        node.proxy.delay(randomInt(1, 1500));
        setTimeout(() => node.proxy.delay(0), randomInt(100, 2500)).unref();
      },
    };
    // A starting process uses most of the machine, so few are killed.
    const frequent = ['node stopped', 'application stopped', 'connections cut', 'connections slowed'];
    const likely = [...Object.keys(kinds), ...frequent.filter((kind) => kind in kinds)];
    const kind = likely[randomInt(likely.length)]!;
    if (!this.#running) return;
    this.#count(kind);
    await kinds[kind]!();
  }

  /** The store gets a fault whenever it has rested, of every kind in turn. */
  async #hurtStoreAlong(until: number): Promise<void> {
    const { restart, standby } = this.#store;
    const ways: [kind: string, hurt: () => Promise<void>][] = [];
    if (standby) ways.push(['store failed over', () => this.#failOver(standby)]);
    if (restart) ways.push(['store restarted', () => this.#restartStore(restart)]);
    const whole = until - now();
    const [least, most] = storeRests.map((rest, i) => Math.floor(Math.min(rest, shareOfRun[i]! * whole)));
    for (let turn = 0; ways.length > 0; turn++) {
      const rest = randomInt(least!, most!);
      if (now() + rest >= until) return;
      await pause(rest);
      const [kind, hurt] = ways[turn % ways.length]!;
      this.#count(kind);
      await hurt();
    }
  }

  #count(fault: string): void {
    this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
  }

  async #restartStore(restart: () => Promise<void>): Promise<void> {
    await this.#changingStore(this.#store.restartChanges ?? 0, restart);
  }

  async #failOver(standby: Standby): Promise<void> {
    this.#checker.note({ kind: 'failover', what: 'begins', at: now() });
    await standby.lag();
    await pause(randomInt(100, 1500));
    await this.#changingStore(1, () => standby.promote());
    this.#checker.note({ kind: 'failover', what: 'serves', at: now() });
    await standby.renew();
  }

  /** A fault that makes the store another one, this many times. */
  async #changingStore(times: number, work: () => Promise<void>): Promise<void> {
    const changes = Array.from({ length: times }, () => ({ from: Date.now(), until: Number.POSITIVE_INFINITY }));
    this.#storeChanges.push(...changes);
    await work();
    for (const change of changes) change.until = Date.now();
  }
}

function isVerifiedBy(at: number, { firstApp }: Session): boolean {
  return (at - firstApp + applications) % applications < appsOfSession;
}

/** The tokens of the sessions that an application verifies, by the session's id. */
function tokensOf(at: number, sessions: readonly Session[]): Record<string, string> {
  return Object.fromEntries(sessions.filter((one) => isVerifiedBy(at, one)).map(({ id, token }) => [id, token]));
}

function stopAndContinue(child: ChildProcess, milliseconds: number): void {
  child.kill('SIGSTOP');
  setTimeout(() => child.kill('SIGCONT'), milliseconds);
}

function stopApp({ child }: App): Promise<void> {
  child.kill('SIGCONT');
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    if (child.connected) child.send({ stop: true }, () => {});
    setTimeout(() => child.kill('SIGKILL'), 3000).unref();
  });
}
