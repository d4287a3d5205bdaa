import { ErrorReply } from '@redis/client';
import { CurfewError, type ErrorCode } from '../../errors.ts';
import type { Server } from '../parameters.ts';
import { inTime } from '../watchers.ts';
import { type Connection, connect } from './connect.ts';
import { connectFault, refusesLogin } from './faults.ts';
import type { Location, Sentinels, Tls } from './location.ts';

/**
 * Connects to the server of a store, wherever it currently is. `most`: milliseconds that each connection, and each
 * Sentinel's answer, may take.
 * @throws `store_unavailable`, `store_login_refused`; `config_invalid` if no address is a Sentinel that knows the
 * primary
 */
export async function reach(location: Location, most: number, until: AbortSignal): Promise<Connection> {
  const { client, sentinels } = location;
  const primary = sentinels && (await primaryOf(sentinels, client.socket as Tls, most, until));
  const shown = primary ? `${location.shown}, whose primary is ${shownServer(primary)}` : location.shown;
  try {
    return await connect({ ...client, socket: { ...client.socket, ...primary } }, most, until);
  } catch (error) {
    throw connectFault(error, shown);
  }
}

type Answer = Server & { epoch: number };
type Refusal = { code: ErrorCode; says: string };

/**
 * Asks all Sentinels at once, and waits until more than half of them have answered, or none is left. An isolated one
 * may name the former primary: each failover has a number (`config-epoch`), and the highest one is right. The client's
 * own Sentinel support resends a command after its connection broke, which would hide that a change is uncertain.
 * https://redis.io/docs/latest/develop/reference/sentinel-clients/
 */
async function primaryOf(
  { servers, master, login }: Sentinels,
  tls: Tls,
  most: number,
  until: AbortSignal,
): Promise<Server> {
  const enough = new AbortController();
  const answers: Answer[] = [];
  const refusals: Refusal[] = [];
  await new Promise<void>((resolve) => {
    const signal = AbortSignal.any([enough.signal, until]);
    for (const server of servers) {
      askSentinel(server, master, { ...login, socket: { ...server, ...tls } }, most, signal)
        .then(
          (answer) => answers.push(answer),
          (error) => refusals.push(refusalOf(error, server, master)),
        )
        .then(() => {
          const [said, all] = [answers.length, servers.length];
          if (said > all / 2 || said + refusals.length === all) resolve();
        });
    }
  });
  enough.abort();
  const [latest] = answers.sort((a, b) => b.epoch - a.epoch);
  if (latest) return { host: latest.host, port: latest.port };
  // A mistake in the URL takes precedence over faults that may be temporary.
  const codes: ErrorCode[] = ['config_invalid', 'store_login_refused', 'store_unavailable'];
  const code = codes.find((one) => refusals.some((refusal) => refusal.code === one)) ?? 'store_unavailable';
  const says = refusals.map((refusal) => refusal.says).join('; ');
  throw new CurfewError(code, { detail: `CURFEW_STORE: no Sentinel says where the primary is: ${says}.` });
}

async function askSentinel(
  server: Server,
  master: string,
  options: Partial<Location['client']>,
  most: number,
  until: AbortSignal,
): Promise<Answer> {
  const { client } = await connect(options, most, until);
  try {
    const reply = await inTime(client.sendCommand(['SENTINEL', 'MASTER', master]), most, until);
    const { ip, port, 'config-epoch': epoch } = reply as Record<string, string | undefined>;
    if (!ip || !Number(port)) throw new Error(`${shownServer(server)} gives no address`);
    return { host: ip, port: Number(port), epoch: Number(epoch) };
  } finally {
    client.destroy();
  }
}

function refusalOf(error: unknown, server: Server, master: string): Refusal {
  const at = shownServer(server);
  const { message, code } = error as Error & { code?: string };
  const said = message || code || 'no answer';
  if (refusesLogin(said)) {
    const remedy =
      'sentinel_username and sentinel_password are for the Sentinels, those before the @ are for the primary';
    return { code: 'store_login_refused', says: `${at} says ${said} (${remedy})` };
  }
  if (error instanceof ErrorReply && /No such master/i.test(said)) {
    const remedy = 'SENTINEL MASTERS lists the names that it knows';
    return { code: 'config_invalid', says: `${at} knows no ${JSON.stringify(master)} (${remedy})` };
  }
  if (error instanceof ErrorReply && /unknown (sub)?command/i.test(said)) {
    const remedy = `Sentinels listen on port 26379 as a rule; for a Redis without Sentinel it is redis://${at}`;
    return { code: 'config_invalid', says: `${at} is a Redis and no Sentinel (${remedy})` };
  }
  return { code: 'store_unavailable', says: `${at}: ${said}` };
}

function shownServer({ host, port }: Server): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
