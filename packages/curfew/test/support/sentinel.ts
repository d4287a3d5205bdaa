import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '../stores/harness.ts';
import { startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { redisInstalled, tellRedis } from './redis.ts';

/** Sentinel is the same program as Redis under another name. */
const program = (process.env['CURFEW_TEST_REDIS'] ?? 'redis-server').replace(/-server$/, '-sentinel');
export const sentinelInstalled: boolean = redisInstalled && spawnSync(program, ['--version']).error === undefined;

/** Milliseconds between checks of whether it has reached a state. */
const pause = 20;

type Options = {
  /** Lines for its configuration. */
  settings?: readonly string[];
  /** The credentials that it requires. */
  password?: string;
};

/** A Sentinel that decides alone and quickly; it calls the primary and its replicas `pair`. */
export class Sentinel {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #password: string | undefined;
  readonly #folder: ReturnType<typeof temporaryFolder>;

  private constructor(
    port: number,
    child: ChildProcess,
    folder: ReturnType<typeof temporaryFolder>,
    password: string | undefined,
  ) {
    this.port = port;
    this.#process = child;
    this.#folder = folder;
    this.#password = password;
  }

  static async watching(primary: number, { settings = [], password }: Options = {}): Promise<Sentinel> {
    const folder = temporaryFolder();
    const port = await freePort();
    const file = join(folder.path, 'sentinel.conf');
    writeFileSync(
      file,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder.path}`,
        `sentinel monitor pair 127.0.0.1 ${primary} 1`,
        'sentinel down-after-milliseconds pair 500',
        'sentinel failover-timeout pair 5000',
        ...(password === undefined ? [] : [`requirepass ${password}`]),
        ...settings,
        '',
      ].join('\n'),
    );
    const child = startChild([program, file]);
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        said += chunk;
        if (/\+monitor/.test(said)) resolve();
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
    });
    return new Sentinel(port, child, folder, password);
  }

  /** Resolves when it knows of a healthy replica. */
  async knowsReplica(port: number): Promise<void> {
    for (;;) {
      const replicas = (await this.tell('SENTINEL', 'REPLICAS', 'pair')) as Record<string, string>[];
      const known = replicas.find((replica) => replica['port'] === String(port));
      if (known?.['flags'] === 'slave' && known['master-link-status'] === 'ok') return;
      await setTimeout(pause);
    }
  }

  /** Resolves when it reports that the primary is there and the switch has finished. */
  async made(port: number): Promise<void> {
    for (;;) {
      const address = (await this.tell('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'pair')) as string[];
      if (Number(address[1]) === port) return;
      await setTimeout(pause);
    }
  }

  /**
   * Makes it promote the replica although nothing is wrong; retries while it is still busy with an earlier failover.
   */
  async switchOver(): Promise<void> {
    for (;;) {
      const refused = await this.tell('SENTINEL', 'FAILOVER', 'pair').catch((error: Error) => error);
      if (!(refused instanceof Error)) return;
      if (!/NOGOODSLAVE|INPROG/.test(refused.message)) throw refused;
      await setTimeout(pause);
    }
  }

  /** A command, on a separate connection. */
  tell(...args: string[]): Promise<unknown> {
    const login = this.#password === undefined ? '' : `:${this.#password}@`;
    return tellRedis(`redis://${login}127.0.0.1:${this.port}`, ...args);
  }

  async remove(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
    this.#folder.remove();
  }
}
