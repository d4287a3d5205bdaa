import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Client } from 'curfew-client';
import { makeKey } from '../../../src/authority/keys.ts';
import { clientFor, type ServerProcess, startProcess } from '../../support/process.ts';
import { random } from '../../support/world.ts';
import { type Judgement, judge, type Seen } from './history.ts';
import { type ProxyServer, startProxy } from './proxy.ts';

/** The store that the servers share: how they are told of it, and how it is made to restart, where it can be. */
export type ChaosStore = { env: Record<string, string>; nodes: number; restart?(): Promise<void> };

export type ChaosReport = Judgement & {
  seconds: number;
  faults: Record<string, number>;
  ends: number;
  waits: { p50: number; p99: number; max: number };
  by: { acks: number; timeout: number };
  expired: number;
  refused: number;
  fromMemory: number;
};

type Node = { server: ServerProcess | undefined; proxy: ProxyServer; env: Record<string, string> };
type App = { child: ChildProcess; name: string };
type Session = { id: string; userId: string; token: string; version: number; busy: boolean };

const applications = 6;
const lively = 30;
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** Real servers and applications, killed, stopped, cut off and slowed while everything that they say is written down. */
export class Chaos {
  readonly #store: ChaosStore;
  readonly #key: string = makeKey(Date.now(), random);
  readonly #nodes: Node[] = [];
  readonly #apps: App[] = [];
  readonly #history: Seen[] = [];
  readonly #sessions: Map<string, Session> = new Map();
  readonly #faults: Record<string, number> = {};
  readonly #waits: number[] = [];
  readonly #by = { acks: 0, timeout: 0 };
  #expired = 0;
  #refused = 0;
  #fromMemory = 0;
  #ends = 0;
  #running = true;

  constructor(store: ChaosStore) {
    this.#store = store;
  }

  async run(seconds: number): Promise<ChaosReport> {
    const began = now();
    try {
      for (let i = 0; i < this.#store.nodes; i++) await this.#addNode();
      for (let i = 0; i < applications; i++) this.#apps.push(this.#startApp(`app ${i}`));
      const until = began + seconds * 1000;
      const changing = Array.from({ length: 3 }, () => this.#changeAlong(until));
      while (now() < until) {
        await this.#hurt();
        await pause(randomInt(200, 900));
      }
      await Promise.all(changing);
      this.#running = false;
      await Promise.all(this.#apps.map((app) => stopApp(app)));
    } finally {
      this.#running = false;
      for (const { child } of this.#apps) child.kill('SIGKILL');
      for (const { server, proxy } of this.#nodes) {
        await server?.stop('SIGKILL').catch(() => {});
        proxy.close();
      }
    }
    const sorted = [...this.#waits].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      ...judge(this.#history),
      seconds: Math.round((now() - began) / 1000),
      faults: this.#faults,
      ends: this.#ends,
      waits: { p50: at(0.5), p99: at(0.99), max: at(1) },
      by: this.#by,
      expired: this.#expired,
      refused: this.#refused,
      fromMemory: this.#fromMemory,
    };
  }

  async #addNode(): Promise<void> {
    const proxy = await startProxy();
    const env = {
      ...this.#store.env,
      CURFEW_API_KEY: this.#key,
      CURFEW_ADMIN_PASSWORD: 'correct horse battery',
      CURFEW_LOG_LEVEL: 'info',
      CURFEW_LEASE_MS: '1000',
    };
    const node: Node = { server: undefined, proxy, env };
    this.#nodes.push(node);
    await this.#startNode(node);
  }

  async #startNode(node: Node): Promise<void> {
    node.server = await startProcess(node.env);
    node.proxy.target.port = Number(new URL(node.server.url).port);
  }

  async #replace(node: Node, server: ServerProcess): Promise<void> {
    node.server = undefined;
    await server.stop('SIGKILL');
    while (this.#running && !node.server) {
      // It does not start without its store, which may be starting too.
      await this.#startNode(node).catch(() => pause(200));
    }
    // Whatever was started when all was over already.
    const late = node.server as ServerProcess | undefined;
    if (!this.#running) await late?.stop('SIGKILL');
  }

  #startApp(name: string): App {
    const urls = this.#nodes.map(({ proxy }) => proxy.url).join();
    const child = fork(fileURLToPath(new URL('application.ts', import.meta.url)), [urls, this.#key, name], {
      execArgv: ['--conditions=curfew-source'],
      serialization: 'advanced',
    });
    const app = { child, name };
    let memory = 0;
    child.on('message', (message: { seen?: [string, number, number, number][]; counts?: { memory: number } }) => {
      for (const [session, at, answer, times] of message.seen ?? []) {
        this.#history.push({ kind: 'verify', session, began: at, answer, times, by: name });
      }
      this.#fromMemory += (message.counts?.memory ?? memory) - memory;
      memory = message.counts?.memory ?? memory;
    });
    child.on('error', () => {});
    this.#tellOne(app);
    return app;
  }

  /** Opens, changes and ends sessions, one after another, and writes down when each answer came. */
  async #changeAlong(until: number): Promise<void> {
    while (now() < until) {
      const client = clientFor(this.#nodes[randomInt(this.#nodes.length)]!.proxy, this.#key);
      try {
        if (this.#sessions.size < lively) await this.#open(client);
        else await this.#change(client);
      } catch {
        // What was not acknowledged promised nothing.
        this.#refused += 1;
        await pause(50);
      }
      await pause(randomInt(5, 60));
    }
  }

  async #open(client: Client): Promise<void> {
    const userId = `user ${randomInt(1e9)}`;
    const { session, token } = await client.createSession({ userId, accessGroups: ['v1'] });
    this.#sessions.set(session.id, { id: session.id, userId, token, version: 1, busy: false });
    for (const app of this.#apps) this.#tellOne(app);
  }

  async #change(client: Client): Promise<void> {
    const free = [...this.#sessions.values()].filter(({ busy }) => !busy);
    const session = free[randomInt(Math.max(1, free.length))];
    if (!session) return;
    session.busy = true;
    const { id, userId } = session;
    const asked = now();
    const kind = randomInt(4);
    if (kind === 0) {
      const from = `v${session.version}`;
      session.version += 1;
      try {
        const { receipt } = await client.changeAccessGroups({ userId, add: [`v${session.version}`], remove: [from] });
        this.#returned(id, asked, session.version, receipt);
      } finally {
        session.busy = false;
      }
      return;
    }
    // Verified for a while yet, whether or not the answer comes: that is the point.
    setTimeout(() => {
      this.#sessions.delete(id);
      for (const app of this.#apps) this.#tellOne(app);
    }, 3000).unref();
    const { receipt } = kind === 1 ? await client.endUserSessions({ userId }) : await client.endSession({ id });
    this.#ends += 1;
    this.#returned(id, asked, 0, receipt);
  }

  #returned(
    session: string,
    asked: number,
    version: number,
    receipt: { everywhere: boolean; by: 'acks' | 'timeout'; waitedMs: number; verifiers: { expired: number } },
  ): void {
    if (!receipt.everywhere) return;
    this.#history.push({ kind: 'change', session, asked, returned: now(), version });
    this.#waits.push(receipt.waitedMs);
    this.#by[receipt.by] += 1;
    this.#expired += receipt.verifiers.expired;
  }

  #tellOne({ child }: App): void {
    const sessions = Object.fromEntries([...this.#sessions.values()].map(({ id, token }) => [id, token]));
    if (child.connected) child.send({ sessions }, () => {});
  }

  async #hurt(): Promise<void> {
    const node = this.#nodes[randomInt(this.#nodes.length)]!;
    const at = randomInt(this.#apps.length);
    const app = this.#apps[at]!;
    const kinds: Record<string, () => Promise<void> | void> = {
      // Whoever starts again takes seconds, in which other things go wrong as well.
      ...(node.server && {
        'node killed': () => void this.#replace(node, node.server!),
        'node stopped': () => stopAndContinue(node.server!.child, randomInt(50, 3000)),
      }),
      'application killed': () => {
        app.child.kill('SIGKILL');
        this.#apps[at] = this.#startApp(app.name);
      },
      'application stopped': () => stopAndContinue(app.child, randomInt(50, 3000)),
      'connections cut': () => node.proxy.cut(),
      'connections slowed': () => {
        node.proxy.delay(randomInt(1, 1500));
        setTimeout(() => node.proxy.delay(0), randomInt(100, 2500)).unref();
      },
      ...(this.#store.restart && { 'store restarted': () => this.#store.restart?.() }),
    };
    const likely = [...Object.keys(kinds), 'application stopped', 'connections cut', 'connections slowed'];
    const kind = likely[randomInt(likely.length)]!;
    if (!this.#running) return;
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
    await kinds[kind]!();
  }
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

/** The report as people read it. */
export function tell(report: ChaosReport): string {
  const { violations, waits, faults, ...rest } = report;
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    `${rest.seconds} s, ${rest.verifications.toLocaleString('en')} verifications (${rest.active.toLocaleString('en')} active, ${rest.fromMemory.toLocaleString('en')} from memory), ${violations.length} violations`,
    `${rest.changes} changes returned, ${rest.ends} of them ends; ${rest.refused} refused; by acks ${rest.by.acks}, by time ${rest.by.timeout}; leases expired ${rest.expired}`,
    `waits: p50 ${waits.p50} ms, p99 ${waits.p99} ms, max ${waits.max} ms`,
    `${total} faults: ${Object.entries(faults)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
    ...violations.slice(0, 5).map((violation) => JSON.stringify(violation)),
  ].join('\n');
}
