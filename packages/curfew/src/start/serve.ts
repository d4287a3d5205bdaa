import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { createAuthority } from '../authority/index.ts';
import { mountDialects } from '../dialects/index.ts';
import type { Clock } from '../domain/ports.ts';
import { CurfewError, errors } from '../errors.ts';
import { Readiness, type Trouble } from '../http/readiness.ts';
import { createServer, type HttpServer } from '../http/server.ts';
import type { ServerState } from '../http/server-state.ts';
import { openLog, seldom } from '../log.ts';
import type { Store } from '../stores/contract.ts';
import type { StoreCalls } from '../stores/observed.ts';
import { folderOf, showStore } from '../stores/open.ts';
import { compose, type OpenedCurfew } from './compose.ts';
import { attemptsOf, policyOf, readSettings, type SettingInForce, type SettingName, type Settings } from './config.ts';
import { comparedTime, readinessFindings, runtimeFinding, settingsFindings, storeFindings } from './findings.ts';
import { type FirstStart, firstStart } from './first-start.ts';

export type RunningServer = {
  url: string;
  app: FastifyInstance;
  opened: OpenedCurfew;
  settings: Settings;
  /** What the first start created, if this was the first start. */
  first: FirstStart | undefined;
  /**
   * Reports to probes that this server is shutting down, and still serves meanwhile, so that no requests are sent here
   * once it closes. Resolves at once if nothing probes.
   */
  drain(): Promise<void>;
  /** Continues in a new log file, after the old one was renamed. */
  reopenLog(): void;
  /** Finishes accepted requests, then closes everything. */
  close(): Promise<void>;
};

/**
 * Starts a server from the environment and the flags of a command line.
 * @throws `config_invalid`, `port_in_use`, and the errors of opening a store (`store_…`)
 */
export async function serve(
  env: Record<string, string | undefined>,
  flags: Partial<Record<SettingName, string>> = {},
  clock?: Clock,
): Promise<RunningServer> {
  const startedAt = Date.now();
  const { settings, warnings, inForce } = readSettings(env, flags);
  const { logger, requestLogger, reopen } = openLog(settings);
  for (const warning of warnings) logger.warn(warning);
  const opened = await compose({
    store: settings.store,
    secretKey: settings.secretKey,
    secretKeyFile: settings.secretKeyFile,
    policy: policyOf(settings),
    attempts: attemptsOf(settings),
    issuer: settings.issuer,
    keepEnded: settings.keepEnded,
    keepEvents: settings.keepEvents,
    acceptClock: settings.acceptClock,
    maxClockOffset: settings.maxClockOffset,
    lease: settings.leaseMs,
    cacheSessions: settings.cacheSessions,
    clock,
    onError: seldom((err, unreported) => logger.error({ err, ...(unreported && { unreported }) }, 'upkeep failed')),
    onWarning: (text) => logger.warn(text),
    onRestart: (reason, detail) => logger.warn({ reason, detail }, 'the node starts over'),
    endAllAfterFailover: settings.endAllAfterFailover,
  });
  const readiness = new Readiness(
    {
      storeRead: () => opened.context.store.ping(),
      storeTrial: () => opened.context.store.tryWriting(),
      storeWrite: () => shortageOf(opened.context.store) ?? opened.calls.writeTrouble,
      lease: () => (opened.fence.statistics().leased ? undefined : unleased(opened.calls)),
      clock() {
        opened.context.clock.now();
        return undefined;
      },
    },
    logger,
  );
  try {
    const { context } = opened;
    for (const warning of (await context.store.describe()).warnings) logger.warn(warning);
    const http = await createServer({
      authority: createAuthority(context),
      random: context.random,
      logger,
      requestLogger,
      trustProxy: settings.trustProxy,
      fence: opened.fence,
      console: settings.console,
      readiness,
      state: () => stateOf(opened, { startedAt, settings, warnings, inForce, readiness }),
      dialects: mountDialects(settings.dialects, { ...settings, clock: context.clock, keyFor: context.secrets.keyFor }),
      gauges: {
        activeSessions: () => context.store.countActive(context.clock.nowForEnd()),
        logHead: async () => (await context.store.logHead()).sequence,
        storeBytes: async () => (await context.store.describe()).bytes,
        clockOffset: () => context.clock.offset(),
        calls: opened.calls,
      },
    });
    // Until the first start is done, no credential works.
    readiness.starting();
    const url = await listen(http, settings);
    // This comes last, when nothing else can fail: what it creates is shown only once the server is up.
    let first: FirstStart | undefined;
    try {
      first = await firstStart(context, settings, opened.keepKey);
      if (!first) await opened.keepKey();
    } catch (error) {
      await http.close();
      throw error;
    }
    readiness.started();
    logger.info({ url, store: showStore(settings.store), dialects: settings.dialects }, 'listening');
    logger.flush();
    return {
      url,
      app: http.app,
      opened,
      settings,
      first,
      async drain() {
        readiness.drain();
        if (readiness.isProbed) await setTimeout(settings.drainMs);
      },
      reopenLog: reopen,
      async close() {
        readiness.drain();
        await http.close();
        readiness.stop();
        await opened.close();
        logger.info('closed');
        await new Promise<void>((resolve) => logger.flush(() => resolve()));
      },
    };
  } catch (error) {
    readiness.stop();
    await opened.close();
    throw error;
  }
}

type Known = {
  startedAt: number;
  settings: Settings;
  warnings: readonly string[];
  inForce: readonly SettingInForce[];
  readiness: Readiness;
};

/** What administrators see of the server. */
async function stateOf({ context, fence }: OpenedCurfew, known: Known): Promise<ServerState> {
  const { startedAt, settings, warnings, inForce, readiness } = known;
  const { store } = context;
  const isShared = folderOf(settings.store) === undefined;
  const [description, { nodes, verifiers }, report, time] = await Promise.all([
    store.describe(),
    fence.describe(),
    readiness.report('person'),
    // A server with an embedded store uses its own clock.
    isShared ? comparedTime(store, settings.maxClockOffset) : undefined,
  ]);
  const { kind, engine, location, format, bytes, facts } = description;
  return {
    startedAt,
    store: { kind, engine, location, format, bytes, facts },
    nodes,
    verifiers,
    settings: inForce,
    findings: [
      runtimeFinding(),
      ...settingsFindings(warnings),
      ...storeFindings(description),
      ...(time ? [time.finding] : []),
      ...readinessFindings('this server', report),
    ],
  };
}

/** A store that is short of room may still accept ends, so failing writes alone do not show the shortage. */
function shortageOf(store: Store): Trouble | undefined {
  const detail = store.shortage?.();
  return detail === undefined ? undefined : { detail: `${detail}.`, remedy: errors.store_full.remedy };
}

function unleased({ renewalTrouble }: StoreCalls): Trouble {
  const detail = 'The lease ran out and could not be renewed.';
  return renewalTrouble ? { ...renewalTrouble, detail: `${detail} ${renewalTrouble.detail}` } : { detail };
}

async function listen({ app }: HttpServer, { host, port }: Settings): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new CurfewError('port_in_use', { detail: `Port ${port} on ${host}.` }, error);
    throw new CurfewError('config_invalid', { detail: `CURFEW_HOST ${host}, CURFEW_PORT ${port}: ${message}.` }, error);
  }
}
