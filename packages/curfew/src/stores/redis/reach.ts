import { CurfewError, type ErrorCode } from '../../errors.ts';
import type { Server } from '../parameters.ts';
import { inTime } from '../watchers.ts';
import { type Client, type Connection, connect } from './connect.ts';
import { connectFault, refusesLogin } from './faults.ts';
import type { Location, Sentinels, Tls } from './location.ts';
import { clusterRights } from './rights.ts';

/**
 * Connects to the server of a store, wherever it currently is. `most`: milliseconds that each connection, and each
 * answer of a Sentinel or of a node of a Cluster, may take.
 * @throws `store_unavailable`, `store_login_refused`, `store_denied`; `config_invalid` if no address is a Sentinel that
 * knows the primary, or a node of a Cluster
 */
export async function reach(location: Location, most: number, until: AbortSignal): Promise<Connection> {
  const { client } = location;
  const guide = guideOf(location);
  const socket = { ...client.socket, ...location.files?.() };
  const primary = guide && (await primaryOf(guide, socket as Tls, most, until));
  const shown = primary ? `${location.shown}, whose primary is ${shownServer(primary)}` : location.shown;
  try {
    return await connect({ ...client, socket: { ...socket, ...primary } }, most, until);
  } catch (error) {
    throw connectFault(error, shown);
  }
}

/** Who knows the primary, and how it is asked. */
type Guide = {
  servers: readonly Server[];
  login: Pick<Location['client'], 'username' | 'password'>;
  /** As the subject of an error. */
  nobody: string;
  /** The same, with the remedy, if so many answers are too few to believe the latest. */
  tooFew?(answers: number): { subject: string; remedy: string } | undefined;
  /** Milliseconds to wait for the others when more than half have answered. */
  patience: number;
  /** @throws if the answers together say that the data is not all there */
  refuse?(latest: Answer, answers: readonly Answer[]): void;
  ask(client: Client, server: Server, wait: Wait): Promise<Answer>;
  refusalOf(said: string, at: string): Refusal | undefined;
};
type Wait = (reply: Promise<unknown>) => Promise<unknown>;
type Answer = Server & { epoch: number; slot?: SlotSeen };
/** Of a node of a Cluster: who it is, who has the slot as it sees it, and whether the slot is moving to it or from it. */
type SlotSeen = { at: string; self: string; owner: string; importing: boolean; migrating: boolean };
type Refusal = { code: ErrorCode; says: string };

function guideOf(location: Location): Guide | undefined {
  if (location.sentinels) return sentinelGuide(location.sentinels);
  if (location.cluster) return clusterGuide(location.cluster, location);
  return undefined;
}

/**
 * Asks all of them at once, and waits until more than half have answered, or none is left. An isolated one may name the
 * former primary: each failover has a number (its epoch), and the highest one is right. The client's own support for
 * Sentinel and Cluster resends a command after its connection broke, which would hide that a change is uncertain.
 * https://redis.io/docs/latest/develop/reference/sentinel-clients/
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */
async function primaryOf(guide: Guide, tls: Tls, most: number, until: AbortSignal): Promise<Server> {
  const { servers, login } = guide;
  const enough = new AbortController();
  const answers: Answer[] = [];
  const refusals: Refusal[] = [];
  await new Promise<void>((resolve) => {
    const signal = AbortSignal.any([enough.signal, until]);
    for (const server of servers) {
      askOne(guide, server, { ...login, socket: { ...server, ...tls } }, most, signal)
        .then(
          (answer) => answers.push(answer),
          (error) => refusals.push(refusalOf(guide, error, server)),
        )
        .then(() => {
          const [said, all] = [answers.length, servers.length];
          if (said + refusals.length === all) resolve();
          else if (said > all / 2) setTimeout(resolve, guide.patience).unref();
        });
    }
  });
  enough.abort();
  const [latest] = answers.sort((a, b) => b.epoch - a.epoch);
  const few = guide.tooFew?.(answers.length);
  if (latest && !few) {
    guide.refuse?.(latest, answers);
    return { host: latest.host, port: latest.port };
  }
  // A mistake in the URL takes precedence over faults that may be temporary.
  const codes: ErrorCode[] = ['config_invalid', 'store_login_refused', 'store_denied', 'store_unavailable'];
  const code = codes.find((one) => refusals.some((refusal) => refusal.code === one)) ?? 'store_unavailable';
  const says = refusals.map((refusal) => refusal.says).join('; ');
  const subject = few?.subject ?? guide.nobody;
  throw new CurfewError(code, {
    detail: `CURFEW_STORE: ${subject} says where the primary is: ${says}.`,
    remedy: code === 'store_unavailable' ? few?.remedy : undefined,
  });
}

async function askOne(
  guide: Guide,
  server: Server,
  options: Partial<Location['client']>,
  most: number,
  until: AbortSignal,
): Promise<Answer> {
  const { client } = await connect(options, most, until);
  try {
    return await guide.ask(client, server, (reply) => inTime(reply, most, until));
  } finally {
    client.destroy();
  }
}

function refusalOf(guide: Guide, error: unknown, server: Server): Refusal {
  const at = shownServer(server);
  const { message, code } = error as Error & { code?: string };
  const said = message || code || 'no answer';
  return guide.refusalOf(said, at) ?? { code: 'store_unavailable', says: `${at}: ${said}` };
}

function sentinelGuide({ servers, master, login }: Sentinels): Guide {
  return {
    servers,
    login,
    nobody: 'no Sentinel',
    // More than half of all Sentinels agree to a failover, so among any half of them is one that has agreed to it.
    tooFew(answers) {
      const least = Math.ceil(servers.length / 2);
      if (answers === 0 || answers >= least) return undefined;
      return {
        subject: `only ${answers} of ${servers.length} Sentinels (at least ${least} must)`,
        remedy:
          'Start the other Sentinels, or make them reachable from here, and name in the URL those that exist: one that is cut off from the others may know only the former primary.',
      };
    },
    patience: 0,
    async ask(client, server, wait) {
      const reply = await wait(client.sendCommand(['SENTINEL', 'MASTER', master]));
      const { ip, port, 'config-epoch': epoch } = reply as Record<string, string | undefined>;
      if (!ip || !Number(port)) throw new Error(`${shownServer(server)} gives no address`);
      return { host: ip, port: Number(port), epoch: Number(epoch) };
    },
    refusalOf(said, at) {
      if (refusesLogin(said)) {
        const remedy =
          'sentinel_username and sentinel_password are for the Sentinels, those before the @ are for the primary';
        return { code: 'store_login_refused', says: `${at} says ${said} (${remedy})` };
      }
      if (/No such master/i.test(said)) {
        const remedy = 'SENTINEL MASTERS lists the names that it knows';
        return { code: 'config_invalid', says: `${at} knows no ${JSON.stringify(master)} (${remedy})` };
      }
      if (/unknown (sub)?command/i.test(said)) {
        const remedy = `Sentinels listen on port 26379 as a rule; for a Redis without Sentinel it is redis://${at}`;
        return { code: 'config_invalid', says: `${at} is a Redis and no Sentinel (${remedy})` };
      }
      return undefined;
    },
  };
}

/** All keys of a store are in one slot. Its primary is the store's server. */
function clusterGuide(servers: readonly Server[], { client: login, prefix }: Location): Guide {
  return {
    servers,
    login: { ...(login.username && { username: login.username }), ...(login.password && { password: login.password }) },
    nobody: 'no node of the Cluster',
    // A node to which the slot is moving may be the only one that says so.
    patience: 500,
    refuse: refuseHalf,
    async ask(client, server, wait) {
      const [slot, ranges, nodes] = (await wait(
        Promise.all(
          [['KEYSLOT', prefix], ['SLOTS'], ['NODES']].map((command) => client.sendCommand(['CLUSTER', ...command])),
        ),
      )) as [number, SlotRange[], string];
      const owner = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2];
      if (!owner) throw new Error(`no node has slot ${slot}, in which the keys ${prefix}* are`);
      const [name, port, id, more] = owner;
      const host = hostOf(name, more) ?? server.host;
      const [self = '', moves] = linesOf(nodes).find(([, line]) => line.includes('myself')) ?? ['', ''];
      const seen = { at: shownServer(server), self, owner: id };
      const [importing, migrating] = [`[${slot}-<-`, `[${slot}->-`].map((mark) => moves.includes(mark));
      return { host, port, epoch: epochOf(nodes, id), slot: { ...seen, importing: importing!, migrating: migrating! } };
    },
    refusalOf(said, at) {
      if (/cluster support disabled/i.test(said)) {
        const remedy = `without a Cluster, it is redis://${at}`;
        return { code: 'config_invalid', says: `${at} is a Redis and no node of a Cluster (${remedy})` };
      }
      if (said.startsWith('NOPERM')) {
        return { code: 'store_denied', says: `${at} says ${said} (the user needs ${clusterRights})` };
      }
      if (refusesLogin(said)) return { code: 'store_login_refused', says: `${at} says ${said}` };
      return undefined;
    },
  };
}

/** First and last slot, the primary, its replicas; as `CLUSTER SLOTS` answers. */
type SlotRange = [
  first: number,
  last: number,
  primary: [host: string | null, port: number, id: string, more?: unknown],
];

/**
 * Where a node is, as `CLUSTER SLOTS` says: by its name, or, if it is to have a host name and has none, by its address,
 * which is among the names and values in `more`. `undefined`: where it was asked.
 */
export function hostOf(name: string | null, more: unknown): string | undefined {
  if (name !== '?') return name || undefined;
  if (!Array.isArray(more)) return (more as Record<string, string> | undefined)?.['ip'];
  const at = more.indexOf('ip');
  return at < 0 ? undefined : String(more[at + 1]);
}

/** By their node, the lines of `CLUSTER NODES`: id, addresses, flags, primary, two times, epoch, and more. */
function linesOf(nodes: string): [id: string, line: string][] {
  return nodes.split('\n').map((line) => [line.split(' ', 1)[0]!, line]);
}

function epochOf(nodes: string, id: string): number {
  const [, line = ''] = linesOf(nodes).find(([one]) => one === id) ?? [];
  return Number(line.split(' ')[6] ?? 0);
}

/**
 * While a slot is being moved key by key, its primary knows that, and refuses what it lacks. The replica that takes its
 * place does not know: it would answer as if the keys that have gone had never existed, with sessions that have ended.
 */
function refuseHalf({ slot: latest }: Answer, answers: readonly Answer[]): void {
  const target = answers.find(({ slot }) => slot?.importing && slot.self !== latest?.owner)?.slot;
  const isKnown = answers.some(({ slot }) => slot?.migrating && slot.self === latest?.owner);
  if (!target || isKnown) return;
  throw new CurfewError('store_unavailable', {
    detail: `CURFEW_STORE: the slot of this store was being moved to ${target.at}, and its primary does not know of that: some of the keys are there.`,
    remedy:
      'Finish the move (redis-cli --cluster fix). If none was begun, CLUSTER SETSLOT … STABLE on that node ends it.',
  });
}

function shownServer({ host, port }: Server): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
