import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { RedisClient } from '@redis/client';
import { temporaryFolder } from '../stores/harness.ts';
import { startChild } from './child.ts';
import { freePort } from './free-port.ts';

/** `createClient` makes a class of all commands whenever its options differ. */
const createClient = RedisClient.factory();

/** The program to run as Redis: `CURFEW_TEST_REDIS=valkey-server` for Valkey. */
const program = process.env['CURFEW_TEST_REDIS'] ?? 'redis-server';

/** Whether Redis is installed on this machine; tests that need it are reported as skipped if not. */
export const redisInstalled: boolean = spawnSync(program, ['--version']).status === 0;

/** A separate real Redis for a test, on a free port with its own folder. */
export class RedisServer {
  readonly port: number;
  readonly #folder: ReturnType<typeof temporaryFolder>;
  readonly #settings: readonly string[];
  readonly #aside: ReturnType<typeof temporaryFolder>[] = [];
  #process: ChildProcess | undefined;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
    this.#folder = temporaryFolder();
  }

  /** `settings` as on Redis's own command line; by default every write is on disk before it is answered. */
  static async start(...settings: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    await server.up();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  get isUp(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** For a node of a Cluster: the port at which the other nodes reach it. */
  get busPort(): number {
    return Number(this.#settings[this.#settings.indexOf('--cluster-port') + 1]);
  }

  async up(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder.path, '--save', ''];
    const child = startChild([program, ...args, ...durable, ...this.#settings]);
    this.#process = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        said += chunk;
        if (/Ready to accept connections/.test(said)) resolve();
      });
      child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
    });
  }

  /**
   * Sets the current files aside; the returned function restores them in place of later ones, as an operator does with
   * a backup. Redis is stopped for both.
   */
  async setAside(): Promise<() => Promise<void>> {
    const aside = temporaryFolder();
    const copy = async (from: string, to: string) => {
      await this.down();
      rmSync(to, { recursive: true });
      cpSync(from, to, { recursive: true });
      await this.up();
    };
    await copy(this.#folder.path, aside.path);
    this.#aside.push(aside);
    return () => copy(aside.path, this.#folder.path);
  }

  async down(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (!child || !this.isUp) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** Freezes the process, or lets it continue: a server that exists but does not answer. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process!.kill(signal);
  }

  /** A command from an operator, on a separate connection. */
  tell(...args: string[]): Promise<unknown> {
    return tellRedis(this.url, ...args);
  }

  async remove(): Promise<void> {
    await this.down('SIGKILL');
    for (const folder of [this.#folder, ...this.#aside]) folder.remove();
  }
}

const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** One command, on a separate connection. */
export async function tellRedis(url: string, ...args: string[]): Promise<unknown> {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.sendCommand(args);
  } finally {
    client.destroy();
  }
}
