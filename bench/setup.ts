import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { library } from '../packages/curfew/src/authority/caller.ts';
import type { SessionRequest } from '../packages/curfew/src/authority/create-session.ts';
import { type Authority, createAuthority } from '../packages/curfew/src/authority/index.ts';
import { day } from '../packages/curfew/src/domain/limits.ts';
import { nextDeadline } from '../packages/curfew/src/domain/session.ts';
import { type CurfewOptions, compose } from '../packages/curfew/src/start/compose.ts';
import { encodeSession } from '../packages/curfew/src/stores/lmdb/codec.ts';

const agents = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 Edg/119.0.0.0',
  'okhttp/4.12.0',
];

/** A session as an application opens it: on average four per user, from any address, on one of a few devices. */
export function request(i: number, users: number): SessionRequest {
  const mixed = Math.imul(i + 1, 2654435761) >>> 0;
  return {
    userId: `user-${mixed % users}`,
    accessGroups: [`team-${mixed % 20}`],
    userAgent: agents[i % agents.length]!,
    ip: `${10 + (mixed % 200)}.${(mixed >>> 8) % 256}.${(mixed >>> 16) % 256}.${mixed % 251}`,
    metadata: { plan: 'pro' },
  };
}

export type Bench = {
  authority: Authority;
  context: Awaited<ReturnType<typeof compose>>['context'];
  folder: string;
  tokens: string[];
  ids: string[];
  /** Opens that many sessions, and keeps their tokens and ids. */
  fill(count: number, users?: number): Promise<void>;
  /** How many sessions this process has cached. */
  cached(): number;
  /** Waits until the sweep has nothing more to do. */
  settle(): Promise<void>;
  /** Closes and reopens the store; returns how long opening took, in milliseconds. */
  reopen(): Promise<number>;
  close(): Promise<void>;
};

export function temporaryBenchFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'curfew-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The use cases on a separate embedded store, assembled as in `curfew serve`, including upkeep. */
export async function openBench(): Promise<Bench> {
  const folder = temporaryBenchFolder();
  const bench = await openBenchOn({ store: `lmdb:${folder.path}` });
  const { close } = bench;
  bench.folder = folder.path;
  bench.close = async () => {
    await close();
    folder.remove();
  };
  return bench;
}

/** The same on any store, which remains when the bench is closed. */
export async function openBenchOn(settings: CurfewOptions): Promise<Bench> {
  let opened = await compose(settings);
  const bench: Bench = {
    authority: createAuthority(opened.context),
    context: opened.context,
    folder: '',
    tokens: [],
    ids: [],
    async fill(count, users = Math.max(1, Math.ceil(count / 4))) {
      const from = bench.ids.length;
      let next = 0;
      const worker = async () => {
        while (next < count) {
          const { session, token } = await bench.authority.createSession(library, request(from + next++, users));
          bench.tokens.push(token);
          bench.ids.push(session.id);
        }
      };
      await Promise.all(Array.from({ length: 256 }, worker));
    },
    cached: () => opened.fence.statistics().own.sessions,
    async settle() {
      await opened.upkeep.sweep();
      // A quarter of a minute later, when even a few new sessions are placed.
      const task = { now: Date.now() + 15_000, keepEnded: day, keepEvents: 90 * day, batch: 500 };
      while ((await bench.context.store.sweep(task)).more) await new Promise(setImmediate);
    },
    async reopen() {
      await opened.close();
      const began = performance.now();
      opened = await compose(settings);
      const took = performance.now() - began;
      bench.context = opened.context;
      bench.authority = createAuthority(opened.context);
      return took;
    },
    close: () => opened.close(),
  };
  return bench;
}

/** A bare LMDB store, for the same bytes. */
export function openRaw() {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-bench-raw-'));
  const root = open<unknown, string>({ path: folder, noSubdir: false, separateFlushed: true });
  return {
    root,
    /** One put, until its data is flushed. */
    async put(key: string, value: unknown): Promise<void> {
      const done = root.put(key, value) as Promise<boolean> & { flushed: Promise<unknown> };
      await done;
      await done.flushed;
    },
    async close() {
      await root.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The rows of sessions as our store keeps them, so that the rival stores the same bytes. */
export async function rowsOf(bench: Bench, ids: readonly string[]): Promise<(readonly unknown[])[]> {
  const rows: (readonly unknown[])[] = [];
  for (const id of ids) {
    const { stored } = (await bench.context.store.readSession(id as never))!;
    rows.push(encodeSession(stored, nextDeadline(stored)));
  }
  return rows;
}

export { library };
