import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../../../packages/curfew/test/support/free-port.ts';

/** Whether PgBouncer is installed on this machine; tests that need it are reported as skipped if not. */
export const poolerInstalled: boolean = spawnSync('pgbouncer', ['--version']).status === 0;

/** A separate real PgBouncer for a test in front of a PostgreSQL, configured as in its documentation. */
export class Pooler {
  readonly port: number;
  readonly #console: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, console: string, child: ChildProcess, folder: string) {
    this.port = port;
    this.#console = console;
    this.#child = child;
    this.#folder = folder;
  }

  /** `url` names the server, and a user with its password. */
  static async start(mode: 'session' | 'transaction', url: string): Promise<Pooler> {
    const { username, password, hostname, port: serverPort } = new URL(url);
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'curfew-pooler-'));
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'users'), `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`);
    const config = join(folder, 'pgbouncer.ini');
    writeFileSync(
      config,
      `[databases]\n* = host=${hostname} port=${serverPort}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\n` +
        `unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = ${join(folder, 'users')}\npool_mode = ${mode}\n` +
        `default_pool_size = ${mode === 'session' ? 20 : 2}\nmax_client_conn = 100\n` +
        `admin_users = ${decodeURIComponent(username)}\n`,
    );
    // Like PostgreSQL, it refuses to run as root.
    const args = userInfo().uid === 0 ? ['-u', 'postgres', config] : [config];
    const child = spawn('pgbouncer', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr!.on('data', (chunk) => {
        said += chunk;
        if (/process up/.test(said)) resolve();
      });
      child.once('exit', (code) => reject(new Error(`pgbouncer ended with ${code}: ${said}`)));
    });
    return new Pooler(port, `postgres://${username}:${password}@127.0.0.1:${port}/pgbouncer`, child, folder);
  }

  /** The ids of the processes of PostgreSQL that its connections lead to. */
  async backends(): Promise<number[]> {
    const client = new pg.Client({ connectionString: this.#console });
    await client.connect();
    try {
      // The console of PgBouncer understands only simple queries.
      const { rows } = await client.query('SHOW SERVERS');
      return rows.map(({ remote_pid }) => Number(remote_pid));
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
    rmSync(this.#folder, { recursive: true });
  }
}
