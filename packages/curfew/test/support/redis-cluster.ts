import { setTimeout } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { RedisServer } from './redis.ts';

/** Milliseconds between checks of whether the Cluster has reached a state. */
const pause = 20;
const primaries = 3;
const slots = 16_384;

/** Each node has a third of the slots, so all keys of a store are at one of them. */
export const storePrefix = '{curfew}:';

type Owner = { server: RedisServer; replicas: RedisServer[] };

/** Three primaries and three replicas of a real Redis Cluster. */
export class RedisCluster {
  readonly servers: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  /**
   * `settings` apply to every node, as on Redis's own command line. By default no node is ever taken for one that has
   * failed: on a busy machine, one may get no time for seconds.
   */
  static async start(...settings: string[]): Promise<RedisCluster> {
    const servers = await Promise.all(
      Array.from({ length: 2 * primaries }, async () => {
        const own = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-port'];
        const quick = ['--cluster-node-timeout', '60000', '--cluster-replica-validity-factor', '0'];
        const more = ['--repl-diskless-sync-delay', '0', '--cluster-require-full-coverage', 'no'];
        return RedisServer.start(...own, String(await freePort()), ...quick, ...more, ...settings);
      }),
    );
    const cluster = new RedisCluster(servers);
    const [first, ...others] = servers;
    const each = Math.ceil(slots / primaries);
    for (let i = 0; i < primaries; i++) {
      const last = Math.min((i + 1) * each, slots) - 1;
      await servers[i]!.tell('CLUSTER', 'ADDSLOTSRANGE', String(i * each), String(last));
      // Otherwise a first failover has to wait until the nodes have agreed on different epochs.
      await servers[i]!.tell('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
    }
    for (const { port, busPort } of others) {
      await first!.tell('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
    }
    await until(async () => (await Promise.all(servers.map(knownOf))).every((known) => known === servers.length));
    for (let i = 0; i < primaries; i++) {
      const id = String(await servers[i]!.tell('CLUSTER', 'MYID'));
      await servers[primaries + i]!.tell('CLUSTER', 'REPLICATE', id);
    }
    await until(async () => (await cluster.#owner()).replicas.length === 1);
    await Promise.all(servers.map((server) => until(() => agrees(server))));
    await cluster.caughtUp();
    return cluster;
  }

  get url(): string {
    return `redis+cluster://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** The primary that has the slot of a store, as most nodes see it. */
  async owner(prefix?: string): Promise<RedisServer> {
    return (await this.#owner(prefix)).server;
  }

  /** The primaries that do not have it. */
  async otherPrimaries(): Promise<RedisServer[]> {
    const roles = await Promise.all(this.servers.map(async (server) => ({ server, role: await roleOf(server) })));
    const owner = await this.owner();
    return roles.filter(({ server, role }) => role === 'master' && server !== owner).map(({ server }) => server);
  }

  /** A command to the owner. */
  async tell(...args: string[]): Promise<unknown> {
    return (await this.owner()).tell(...args);
  }

  /** Resolves when the owner's replicas have what it has by then. */
  async caughtUp(): Promise<void> {
    const { server, replicas } = await this.#owner();
    const goal = Number(await infoOf(server, 'master_repl_offset'));
    for (const replica of replicas) {
      await until(
        async () =>
          (await infoOf(replica, 'master_link_status')) === 'up' &&
          Number(await infoOf(replica, 'slave_repl_offset')) >= goal,
      );
    }
  }

  /** The owner is killed; resolves with it when its replica has been elected. */
  async failOver(): Promise<RedisServer> {
    const before = await this.owner();
    await before.down('SIGKILL');
    await until(async () => (await this.owner()) !== before);
    return before;
  }

  /** The owner and its replica change places, as before maintenance; nothing is lost. */
  async handOver(): Promise<void> {
    const { server, replicas } = await this.#owner();
    // Redis gives it up after five seconds, for instance if the replica still lacks something.
    for (let due = 0; (await this.owner()) === server; await setTimeout(pause)) {
      if (performance.now() < due) continue;
      await replicas[0]!.tell('CLUSTER', 'FAILOVER').catch(() => {});
      due = performance.now() + 6000;
    }
    await this.#settled();
  }

  /** The replicas of the owner get nothing from now on, and still replace it when it fails. */
  async holdReplicas(): Promise<void> {
    const { server, replicas } = await this.#owner();
    // They cannot log in again.
    for (const replica of replicas)
      await replica.tell('CONFIG', 'SET', 'masteruser', 'nobody', 'masterauth', 'nothing');
    await server.tell('CLIENT', 'KILL', 'TYPE', 'replica');
  }

  async letReplicasGo(): Promise<void> {
    for (const server of this.servers) {
      if (server.isUp) await server.tell('CONFIG', 'SET', 'masteruser', '', 'masterauth', '');
    }
  }

  /** A node that was down comes back as a replica of the owner. */
  async rejoin(server: RedisServer): Promise<void> {
    await server.up();
    await this.#settled();
  }

  /** A primary that was down, and was not replaced, comes back. Resolves when all nodes reach all slots again. */
  async comeBack(server: RedisServer): Promise<void> {
    await server.up();
    const reachesAll = async (one: RedisServer) => {
      const info = String(await one.tell('CLUSTER', 'INFO'));
      return /cluster_state:ok/.test(info) && /cluster_slots_pfail:0/.test(info) && /cluster_slots_fail:0/.test(info);
    };
    await Promise.all(this.servers.map((one) => until(() => reachesAll(one))));
  }

  /**
   * Moves the store's slot to another primary, as `redis-cli --cluster reshard` does: key by key. `halfway` runs when
   * about half of the keys have been moved.
   */
  async reshard(to: RedisServer, halfway: () => Promise<void> = async () => {}): Promise<void> {
    const from = await this.owner();
    const slot = String(await from.tell('CLUSTER', 'KEYSLOT', storePrefix));
    const keys = await this.beginReshard(to);
    const seen = await halfway().catch((error: unknown) => ({ error }));
    for (let rest = await keys(1000); rest.length > 0; rest = await keys(1000)) await migrate(from, to, rest);
    const target = String(await to.tell('CLUSTER', 'MYID'));
    // The target first: it must not lose its claim while the others still believe the source.
    await to.tell('CLUSTER', 'SETSLOT', slot, 'NODE', target);
    await from.tell('CLUSTER', 'SETSLOT', slot, 'NODE', target);
    await until(async () => (await this.owner()) === to);
    if (seen) throw seen.error;
  }

  /** Moves about half of the keys. Returns what lists those that are left. */
  async beginReshard(to: RedisServer): Promise<(most: number) => Promise<string[]>> {
    const from = await this.owner();
    const slot = String(await from.tell('CLUSTER', 'KEYSLOT', storePrefix));
    const [source, target] = [String(await from.tell('CLUSTER', 'MYID')), String(await to.tell('CLUSTER', 'MYID'))];
    await to.tell('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
    await from.tell('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
    const keys = async (most: number) => (await from.tell('CLUSTER', 'GETKEYSINSLOT', slot, String(most))) as string[];
    const all = Number(await from.tell('CLUSTER', 'COUNTKEYSINSLOT', slot));
    if (all > 1) await migrate(from, to, await keys(Math.ceil(all / 2)));
    return keys;
  }

  /** Moves a slot without keys, which no store has. */
  async moveSlot(from: RedisServer, to: RedisServer): Promise<void> {
    const ranges = (await from.tell('CLUSTER', 'SLOTS')) as [number, number, [string, number, string]][];
    const [slot] = ranges.find(([, , [, port]]) => port === from.port)!;
    const [source, target] = [String(await from.tell('CLUSTER', 'MYID')), String(await to.tell('CLUSTER', 'MYID'))];
    // With the slot, it gets a new epoch.
    await to.tell('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', source);
    await to.tell('CLUSTER', 'SETSLOT', String(slot), 'NODE', target);
    await from.tell('CLUSTER', 'SETSLOT', String(slot), 'NODE', target);
  }

  async remove(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.remove()));
  }

  async #settled(): Promise<void> {
    await until(async () => {
      const { replicas } = await this.#owner();
      return replicas.length > 0;
    });
    await this.caughtUp();
  }

  async #owner(prefix: string = storePrefix): Promise<Owner> {
    for (;;) {
      const claims = new Map<string, { count: number; ports: number[] }>();
      for (const server of this.servers) {
        const ports = await portsAt(server, prefix).catch(() => undefined);
        if (!ports) continue;
        const claim = claims.get(String(ports[0])) ?? { count: 0, ports };
        // The owner itself learns of its replicas first, but any node will do in the end.
        if (ports.length >= claim.ports.length) claim.ports = ports;
        claim.count += 1;
        claims.set(String(ports[0]), claim);
      }
      const [most] = [...claims.values()].sort((a, b) => b.count - a.count);
      const [server, ...replicas] = (most?.ports ?? []).map((port) => this.servers.find((one) => one.port === port)!);
      if (server && most!.count > this.servers.length / 2) return { server, replicas };
      await setTimeout(pause);
    }
  }
}

function migrate(from: RedisServer, to: RedisServer, keys: readonly string[]): Promise<unknown> {
  return from.tell('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys);
}

/** The ports of the primary that has the store's slot and of its replicas, as this node sees it. */
async function portsAt(server: RedisServer, prefix: string): Promise<number[] | undefined> {
  if (!server.isUp) return undefined;
  const slot = Number(await server.tell('CLUSTER', 'KEYSLOT', prefix));
  const ranges = (await server.tell('CLUSTER', 'SLOTS')) as [number, number, ...[string, number][]][];
  const [, , ...nodes] = ranges.find(([first, last]) => first <= slot && slot <= last) ?? [0, 0];
  return nodes.length === 0 ? undefined : nodes.map(([, port]) => port);
}

async function knownOf(server: RedisServer): Promise<number> {
  return Number(/cluster_known_nodes:(\d+)/.exec(String(await server.tell('CLUSTER', 'INFO')))?.[1]);
}

async function agrees(server: RedisServer): Promise<boolean> {
  return /cluster_state:ok/.test(String(await server.tell('CLUSTER', 'INFO')));
}

async function roleOf(server: RedisServer): Promise<string | undefined> {
  return server.isUp ? infoOf(server, 'role') : undefined;
}

async function infoOf(server: RedisServer, name: string): Promise<string | undefined> {
  const info = String(await server.tell('INFO', 'replication'));
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}

async function until(met: () => Promise<boolean>): Promise<void> {
  while (!(await met())) await setTimeout(pause);
}
