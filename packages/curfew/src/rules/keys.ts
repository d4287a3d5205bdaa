import type { KeyId } from '../domain/brand.ts';
import type { NewEvent } from '../domain/events.ts';
import type { ApiKey } from '../domain/key.ts';
import type { Engine } from '../stores/commit.ts';
import { type Decision, settle } from './deciding.ts';

/** Creates a key, on the assumption that there is none with its id. */
export function createKey(engine: Engine, key: ApiKey, event: NewEvent): Promise<void> {
  return settle<ApiKey | undefined, void>(
    engine,
    undefined,
    (there) =>
      there
        ? { answer: undefined }
        : { change: { at: event.at, rows: [{ table: 'keys', after: key }], events: [event] }, answered: () => {} },
    ({ keys }) => keys.get(key.id),
  );
}

type Revoked = { key: ApiKey; sequence: number } | undefined;

/** Marks a key as revoked, for good. */
export async function revokeKey(engine: Engine, id: KeyId, at: number, event: NewEvent): Promise<Revoked> {
  const outcome = await settle(
    engine,
    await engine.readKey(id),
    (key) => decide(key, at, event),
    ({ keys }) => keys.get(id),
  );
  return outcome && { key: outcome.key, sequence: outcome.sequence ?? (await engine.head()) };
}

/** Without a sequence if it was revoked before: one of the entries that are there tells of it. */
function decide(
  key: ApiKey | undefined,
  at: number,
  event: NewEvent,
): Decision<{ key: ApiKey; sequence: number | undefined } | undefined> {
  if (!key) return { answer: undefined };
  const first = key.revokedAt === undefined;
  // Written again if it was revoked before: the commit then waits for whatever the first one had to wait for.
  const revoked = { ...key, revokedAt: key.revokedAt ?? at };
  return {
    change: {
      at,
      urgent: true,
      rows: [{ table: 'keys', before: key, after: revoked }],
      ...(first && { log: [{ keyId: key.id }], events: [event] }),
    },
    answered: ({ sequences }) => ({ key: revoked, sequence: sequences[0] }),
  };
}
