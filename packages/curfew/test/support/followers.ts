import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { createVerifier } from 'curfew-client/verifier';
import { fleetSettings, insist, until } from './failover.ts';
import { clientFor, startProcess } from './process.ts';
import type { RedisCluster } from './redis-cluster.ts';

type Opened = { id: string; token: string };

/** Two servers follow hand-overs, a move of the store's slot, and elections: nothing that ended is active, and sessions can still be ended. */
export async function followPrimaries(t: TestContext, cluster: RedisCluster, store: string): Promise<void> {
  const { open, endedEverywhere, areWell } = await startFollowers(t, store);
  const sessions = [await open(), await open(), await open(), await open()];
  await endedEverywhere(sessions[0]!);
  await cluster.handOver();
  await endedEverywhere(sessions[1]!);
  await endedEverywhere(await open());
  const [other] = await cluster.otherPrimaries();
  await cluster.reshard(other!);
  await endedEverywhere(sessions[2]!);
  await endedEverywhere(await open());
  const former = await cluster.failOver();
  await endedEverywhere(sessions[3]!);
  await endedEverywhere(await open());
  await cluster.rejoin(former);
  await endedEverywhere(await open());
  areWell();
}

/** Two servers on a store whose primary changes, each with a verifier. */
export type Followers = {
  /** A session that both verifiers hold. */
  open(): Promise<Opened>;
  /** Ends a session through one of the servers, and finds it ended on both and in both verifiers. */
  endedEverywhere(session: Opened): Promise<void>;
  /** Neither server has ended, or logged that it would. */
  areWell(): void;
};

export async function startFollowers(t: TestContext, store: string): Promise<Followers> {
  const settings = fleetSettings({ CURFEW_STORE: store });
  const key = settings['CURFEW_API_KEY']!;
  const servers = [await startProcess(settings), await startProcess(settings)];
  t.after(() => Promise.all(servers.map((server) => server.stop('SIGKILL'))));
  const clients = servers.map((server) => clientFor(server, key));
  const verifiers = servers.map((server) => createVerifier({ url: server.url, key, timeout: 5000 }));
  t.after(() => Promise.all(verifiers.map((verifier) => verifier.close())));
  return {
    async open() {
      const { session, token } = await insist(() =>
        clients[0]!.createSession({ userId: randomBytes(6).toString('hex') }),
      );
      for (const verifier of verifiers) await until(async () => (await verifier.verify(token)).active);
      return { id: session.id, token };
    },
    async endedEverywhere({ id, token }) {
      const { receipt } = await insist(() => clients[1]!.endSession({ id }));
      assert.equal(receipt.everywhere, true);
      for (const verifier of verifiers) assert.equal(verifier.check(token), undefined, 'a verifier says active');
      for (const client of clients) {
        assert.equal((await insist(() => client.verifySession({ token }))).active, false);
      }
    },
    areWell() {
      for (const { child, log } of servers) {
        assert.equal(child.exitCode, null);
        assert.doesNotMatch(log.join('\n'), /"level":60/);
      }
    },
  };
}
