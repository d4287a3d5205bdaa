import type { SessionName } from '../domain/brand.ts';
import type { EventType, NewEvent } from '../domain/events.ts';
import { limits } from '../domain/limits.ts';
import { type NamedSession, type NamedStatus, namedStatus } from '../domain/named.ts';
import { isSessionName, parseSessionName, quoted } from '../domain/parse.ts';
import { actsAsAccount } from '../domain/permissions.ts';
import type { Metadata, Session } from '../domain/session.ts';
import { CurfewError } from '../errors.ts';
import { actorOf, type Caller } from './caller.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { endStored } from './end-session.ts';
import { view } from './get-session.ts';
import { guardSessionsOf } from './guard.ts';
import type { Receipt, Wait } from './receipt.ts';
import { retryConflicts } from './retry.ts';
import type { World } from './world.ts';

/** A slot with the session that is in it, if one is that has not ended. */
export type NamedView = {
  name: SessionName;
  status: NamedStatus;
  config: Metadata;
  session: Session | undefined;
  createdAt: number;
  updatedAt: number;
};

export type NamedChange = { named: NamedView; receipt: Receipt | undefined };

/** What a slot is made of. */
export type NamedRequest = { name: string; config?: Metadata | undefined };

/**
 * Makes a slot. It waits for a sign-in (`POST /v1/sessions` with its name), or is stopped until it is started.
 * @throws `named_session_exists`, `invalid_value`
 */
export async function createNamed(
  world: World,
  caller: Caller,
  request: NamedRequest & { start?: boolean | undefined },
): Promise<NamedView> {
  return world.turns.take(request.name, () => create(world, caller, request, request.start ?? true));
}

/**
 * Makes a slot, or sets the configuration of one that is stopped, and starts it: what was suspended in it can be
 * verified again.
 * @throws `named_session_exists` when it is started already, `invalid_value`
 */
export async function openNamed(world: World, caller: Caller, request: NamedRequest): Promise<NamedView> {
  return world.turns.take(request.name, async () => {
    const slot = await world.store.readNamed(parseSessionName(request.name));
    if (!slot) return create(world, caller, request, true);
    if (slot.started) throw exists(slot.name);
    await changeSlot(world, caller, slot.name, { config: parseConfig(request.config), started: true });
    return (await settleHeld(world, caller, slot.name)).named;
  });
}

/** @throws `named_session_not_found` */
export async function getNamed(world: World, name: string): Promise<NamedView> {
  return viewNamed(world, await readSlot(world, name));
}

export async function listNamed(
  world: World,
  { limit = limits.pageDefault, cursor }: { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<{ namedSessions: NamedView[]; nextCursor: string | undefined }> {
  const query = { list: 'named' };
  const page = await world.store.listNamed({ after: decodeCursor(cursor, query) as SessionName | undefined, limit });
  return {
    namedSessions: await Promise.all(page.slots.map((slot) => viewNamed(world, slot))),
    nextCursor: page.next === undefined ? undefined : encodeCursor(page.next, query),
  };
}

/** Sets a slot's configuration. @throws `named_session_not_found`, `invalid_value` */
export async function updateNamed(
  world: World,
  caller: Caller,
  name: string,
  request: { config?: Metadata | undefined },
): Promise<NamedView> {
  const config = parseConfig(request.config);
  return world.turns.take(name, async () => viewNamed(world, await changeSlot(world, caller, name, { config })));
}

/**
 * Removes a slot, and ends the session in it. It is stopped first, so that nobody signs in to it meanwhile.
 * @throws `named_session_not_found`
 */
export async function removeNamed(
  world: World,
  caller: Caller,
  name: string,
  wait: Wait = 'everywhere',
): Promise<{ receipt: Receipt | undefined }> {
  return world.turns.take(name, async () => {
    const slot = await changeStarted(world, caller, name, false);
    const receipt = await endHeld(world, caller, slot, wait);
    await world.store.removeNamed(slot.name, eventOf(world, caller, 'named_session.deleted', slot.name));
    return { receipt };
  });
}

/** Starts a slot: what was suspended in it can be verified again. Started already, nothing changes. */
export async function startNamed(world: World, caller: Caller, name: string, wait?: Wait): Promise<NamedChange> {
  return world.turns.take(name, () => setStarted(world, caller, name, true, wait));
}

/** Stops a slot: the session in it is suspended, kept but not verifiable. Stopped already, nothing changes. */
export async function stopNamed(world: World, caller: Caller, name: string, wait?: Wait): Promise<NamedChange> {
  return world.turns.take(name, () => setStarted(world, caller, name, false, wait));
}

/** Stops and starts a slot: every verification of its session is made anew. */
export async function restartNamed(world: World, caller: Caller, name: string, wait?: Wait): Promise<NamedChange> {
  return world.turns.take(name, async () => {
    // Before it is stopped: else it would stay so.
    await guardHeld(world, caller, await readSlot(world, name));
    await setStarted(world, caller, name, false, wait);
    return setStarted(world, caller, name, true, wait);
  });
}

/** Ends the session in a slot; its configuration stays, and whether it is started. */
export async function logoutNamed(
  world: World,
  caller: Caller,
  name: string,
  wait: Wait = 'everywhere',
): Promise<NamedChange> {
  return world.turns.take(name, async () => {
    const slot = await readSlot(world, name);
    // A slot that only its session made is kept from here on, so that its name goes on waiting.
    const kept = slot.kept ? slot : await changeSlot(world, caller, name, {});
    return { receipt: await endHeld(world, caller, kept, wait), named: await viewNamed(world, kept) };
  });
}

async function create(world: World, caller: Caller, request: NamedRequest, started: boolean): Promise<NamedView> {
  const name = parseSessionName(request.name);
  const now = world.clock.now();
  const slot: NamedSession = {
    name,
    config: parseConfig(request.config),
    started,
    sessionId: undefined,
    kept: true,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
  const outcome = await world.store.createNamed(slot, eventOf(world, caller, 'named_session.created', name));
  if (outcome === 'exists') throw exists(name);
  return viewNamed(world, slot);
}

/**
 * Whoever sets what a session is kept in, or gives one back that was suspended, must be allowed what that may do.
 * To stop a slot, to log out of it and to remove it take a session away, and give nothing: that is as free as any end.
 * @throws `permission_missing`
 */
async function guardHeld(world: World, caller: Caller, slot: NamedSession): Promise<void> {
  const found = slot.sessionId && (await world.store.readSession(slot.sessionId));
  if (!found || view(world, found).status === 'ended') return;
  const { account } = await world.store.readUser(found.stored.userId);
  if (account && actsAsAccount(found.stored, account)) guardSessionsOf(caller, account);
}

function exists(name: SessionName): CurfewError {
  return new CurfewError('named_session_exists', { detail: `It is named ${name}.` });
}

/** @throws `named_session_not_found`: also for a text that is no name, as it is the name of no slot */
async function readSlot(world: World, text: string): Promise<NamedSession> {
  const slot = isSessionName(text) ? await world.store.readNamed(text) : undefined;
  if (slot) return slot;
  throw new CurfewError('named_session_not_found', { detail: `None is named ${quoted(text)}.` });
}

async function changeSlot(
  world: World,
  caller: Caller,
  name: string,
  set: Partial<Pick<NamedSession, 'config' | 'started'>>,
): Promise<NamedSession> {
  return retryConflicts(async () => {
    const slot = await readSlot(world, name);
    if (set.config !== undefined) await guardHeld(world, caller, slot);
    const event = eventOf(world, caller, 'named_session.changed', slot.name, { changed: Object.keys(set) });
    const now = world.clock.nowForEnd();
    const outcome = await world.store.changeNamed({ name: slot.name, version: slot.version, set, now, event });
    if (outcome === 'not_found') throw new CurfewError('named_session_not_found', { detail: `None is named ${name}.` });
    return outcome;
  });
}

async function changeStarted(world: World, caller: Caller, name: string, started: boolean): Promise<NamedSession> {
  const slot = await readSlot(world, name);
  return slot.started === started ? slot : changeSlot(world, caller, name, { started });
}

async function setStarted(
  world: World,
  caller: Caller,
  name: string,
  started: boolean,
  wait?: Wait,
): Promise<NamedChange> {
  if (started) await guardHeld(world, caller, await readSlot(world, name));
  await changeStarted(world, caller, name, started);
  return settleHeld(world, caller, name, wait);
}

/**
 * Makes the session in a slot what the slot says: suspended when it is stopped. Servers that start and stop one slot
 * at the same moment agree in the end, because each looks at the slot again after it has changed the session.
 */
async function settleHeld(world: World, caller: Caller, name: string, wait?: Wait): Promise<NamedChange> {
  return retryConflicts(async () => {
    const slot = await readSlot(world, name);
    const receipt = await setSuspended(world, caller, slot, !slot.started, wait);
    const after = await readSlot(world, name);
    if (after.started !== slot.started || after.sessionId !== slot.sessionId) return 'conflict';
    return { receipt, named: await viewNamed(world, after) };
  });
}

/** Suspends or resumes the session in a slot, if one is there that has not ended. */
async function setSuspended(
  world: World,
  caller: Caller,
  slot: NamedSession,
  suspended: boolean,
  wait: Wait = 'everywhere',
): Promise<Receipt | undefined> {
  const { store, clock, fence } = world;
  return retryConflicts(async () => {
    const found = slot.sessionId && (await store.readSession(slot.sessionId));
    if (!found || view(world, found).status === 'ended') return undefined;
    const { stored } = found;
    const now = clock.nowForEnd();
    // Done already, maybe a moment ago by somebody else: then wait like they do.
    if (stored.suspended === suspended) {
      const { sequence } = await store.logHead();
      return { ...(await fence.settle(sequence, wait)), changedAt: now };
    }
    const type = suspended ? 'session.suspended' : 'session.resumed';
    const outcome = await store.changeSession({
      id: stored.id,
      version: stored.version,
      set: { suspended },
      logged: true,
      event: { type, at: now, by: actorOf(caller), userId: stored.userId, sessionId: stored.id },
      now,
    });
    if (outcome.kind === 'conflict') return 'conflict';
    if (outcome.kind !== 'changed') return undefined;
    return { ...(await fence.settle(outcome.sequence!, wait)), changedAt: now };
  });
}

async function endHeld(world: World, caller: Caller, slot: NamedSession, wait: Wait): Promise<Receipt | undefined> {
  const found = slot.sessionId && (await world.store.readSession(slot.sessionId));
  if (!found) return undefined;
  const why = { by: actorOf(caller), reason: 'logout' } as const;
  return (await endStored(world, found.stored.id, why, wait)).receipt;
}

async function viewNamed(world: World, slot: NamedSession): Promise<NamedView> {
  const found = slot.sessionId && (await world.store.readSession(slot.sessionId));
  const session = found ? view(world, found) : undefined;
  const { name, config, createdAt, updatedAt } = slot;
  return {
    name,
    status: namedStatus(slot, session?.status),
    config,
    session: session?.status === 'ended' ? undefined : session,
    createdAt,
    updatedAt,
  };
}

function eventOf(
  world: World,
  caller: Caller,
  type: EventType,
  name: SessionName,
  details: Record<string, unknown> = {},
): NewEvent {
  return { type, at: world.clock.nowForEnd(), by: actorOf(caller), details: { name, ...details } };
}

/** @throws `invalid_value` */
function parseConfig(config: Metadata | undefined): Metadata {
  if (config === undefined) return {};
  const bytes = Buffer.byteLength(JSON.stringify(config));
  if (bytes <= limits.configBytes) return config;
  throw new CurfewError('invalid_value', {
    detail: `A configuration has at most ${limits.configBytes} bytes of JSON; this one has ${bytes}.`,
  });
}
