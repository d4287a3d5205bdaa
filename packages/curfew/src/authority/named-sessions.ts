import type { SessionName } from '../domain/brand.ts';
import type { EventType, NewEvent } from '../domain/events.ts';
import { limits } from '../domain/limits.ts';
import { type NamedSession, type NamedStatus, namedStatus } from '../domain/named.ts';
import { isSessionName, isWellFormedJson, parseSessionName, quoted } from '../domain/parse.ts';
import type { ToldReason } from '../domain/reasons.ts';
import type { Metadata, Session } from '../domain/session.ts';
import { CurfewError, isCurfewError } from '../errors.ts';
import { awaitHead } from './await-head.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { endReasonOf, usualReason } from './end-reason.ts';
import { endStored } from './end-session.ts';
import { view } from './get-session.ts';
import { guard, guardSession } from './guard.ts';
import type { Receipt, Wait } from './receipt.ts';
import { endInTurn, inTurn, retryAs, retryConflicts } from './retry.ts';

/** A slot with the session in it, if there is one that has not ended. */
export type NamedView = {
  name: SessionName;
  status: NamedStatus;
  config: Metadata;
  session: Session | undefined;
  createdAt: number;
  updatedAt: number;
};

export type NamedChange = { named: NamedView; receipt: Receipt | undefined };

/** A slot's name, and the configuration to store in it. */
export type NamedRequest = { name: string; config?: Metadata | undefined };

/**
 * Creates a slot. It waits for a sign-in (`POST /v1/sessions` with its name), or is stopped until it is started.
 * @throws `named_session_exists`, `invalid_value`, `server_busy`
 */
export async function createNamedSession(
  context: AuthorityContext,
  caller: Caller,
  request: NamedRequest & { start?: boolean | undefined },
): Promise<NamedView> {
  return inTurn(context, caller, request.name, (present) => create(context, present, request, request.start ?? true));
}

/**
 * Creates a slot, or sets the configuration of a stopped one and starts it: a session suspended in it becomes valid
 * again.
 * @throws `named_session_exists` if it is started already, `invalid_value`, `permission_missing`, `server_busy`
 */
export async function openNamedSession(
  context: AuthorityContext,
  caller: Caller,
  request: NamedRequest,
): Promise<NamedView> {
  return inTurn(context, caller, request.name, async (present) => {
    const slot = await context.store.readNamed(parseSessionName(request.name));
    if (!slot) return create(context, present, request, true);
    if (slot.started) throw exists(slot.name);
    await changeSlot(context, present, slot.name, { config: parseConfig(request.config), started: true });
    return (await reconcileSlot(context, present, slot.name)).named;
  });
}

/** @throws `named_session_not_found` */
export async function getNamedSession(context: AuthorityContext, name: string): Promise<NamedView> {
  return viewNamed(context, await readSlot(context, name));
}

export async function listNamedSessions(
  context: AuthorityContext,
  { limit = limits.pageDefault, cursor }: { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<{ namedSessions: NamedView[]; nextCursor: string | undefined }> {
  const query = { list: 'named' };
  const page = await context.store.listNamed({ after: decodeCursor(cursor, query) as SessionName | undefined, limit });
  return {
    namedSessions: await Promise.all(page.slots.map((slot) => viewNamed(context, slot))),
    nextCursor: page.next === undefined ? undefined : encodeCursor(page.next, query),
  };
}

/**
 * Sets a slot's configuration.
 * @throws `named_session_not_found`, `invalid_value`, `permission_missing`, `server_busy`
 */
export async function updateNamedSession(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  request: { config?: Metadata | undefined },
): Promise<NamedView> {
  const config = parseConfig(request.config);
  return inTurn(context, caller, name, async (present) =>
    viewNamed(context, await changeSlot(context, present, name, { config })),
  );
}

/**
 * Removes a slot, and ends the session in it. It is stopped first, so that nobody signs in to it meanwhile. If another
 * server starts it again before it is removed, this is repeated: no session may stay active without its slot. `told` is the
 * reason that an application gives.
 * @throws `named_session_not_found`, `changed_meanwhile`, `server_busy`
 */
export async function removeNamedSession(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  wait: Wait = 'everywhere',
  told?: ToldReason,
): Promise<{ receipt: Receipt | undefined }> {
  return endInTurn(context, caller, name, async (present) => {
    let receipt: Receipt | undefined;
    // It may have ended the caller's own session in the round before.
    return retryConflicts(async () => {
      const slot = await changeStarted(context, present, name, false).catch((error: unknown) => {
        // This call has ended the session, and another one has removed the slot.
        if (receipt && isCurfewError(error, 'named_session_not_found')) return undefined;
        throw error;
      });
      if (!slot) return { receipt };
      receipt = (await endHeld(context, present, slot, wait, told)) ?? receipt;
      const event = eventOf(context, present, 'named_session.deleted', slot.name);
      const outcome = await context.store.removeNamed(slot.name, slot.version, event);
      return outcome === 'conflict' ? outcome : { receipt };
    });
  });
}

/**
 * Starts a slot: a session suspended in it becomes valid again. If it is started already, nothing changes.
 * @throws `named_session_not_found`, `permission_missing`, `server_busy`
 */
export async function startNamedSession(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  wait?: Wait,
): Promise<NamedChange> {
  return inTurn(context, caller, name, (present) => setStarted(context, present, name, true, wait));
}

/**
 * Stops a slot: the session in it is suspended (kept, but not valid). If it is stopped already, nothing changes.
 * @throws `named_session_not_found`, `server_busy`
 */
export async function stopNamedSession(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  wait?: Wait,
): Promise<NamedChange> {
  return endInTurn(context, caller, name, (present) => setStarted(context, present, name, false, wait));
}

/**
 * Stops and starts a slot: every application has to verify its session anew. One that is stopped already is started,
 * which requires the permission for that as well.
 * @throws `named_session_not_found`, `permission_missing`, `server_busy`
 */
export async function restartNamedSession(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  wait: Wait = 'everywhere',
): Promise<NamedChange> {
  return inTurn(context, caller, name, async (present) => {
    // Checked before the slot is stopped: if starting it were refused, it would stay stopped.
    const slot = await readSlot(context, name);
    if (!slot.started) guard(present, ['sessions.create']);
    await guardHeld(context, present, slot);
    // Waited for only once it is started again: a wait that fails in between would leave it stopped.
    const stopped = await setStarted(context, present, name, false, 'stored');
    const started = await setStarted(context, present, name, true, wait);
    // Its session had ended, so nothing was resumed; this waits for that end (R18).
    if (!started.receipt && stopped.receipt) await context.fence.awaitEverywhere(stopped.receipt.sequence, wait);
    return started;
  });
}

/**
 * Ends the session in a slot; its configuration and whether it is started stay the same. `told` is the reason that an
 * application gives.
 * @throws `named_session_not_found`, `server_busy`
 */
export async function logoutNamedSession(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  wait: Wait = 'everywhere',
  told?: ToldReason,
): Promise<NamedChange> {
  return endInTurn(context, caller, name, async (present) => {
    const slot = await readSlot(context, name);
    // A slot that was created only by its session is kept from here on, so that the name waits for the next sign-in.
    const kept = slot.kept ? slot : await changeSlot(context, present, name, {});
    return { receipt: await endHeld(context, present, kept, wait, told), named: await viewNamed(context, kept) };
  });
}

async function create(
  context: AuthorityContext,
  caller: Caller,
  request: NamedRequest,
  started: boolean,
): Promise<NamedView> {
  const name = parseSessionName(request.name);
  const now = context.clock.now();
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
  const outcome = await context.store.createNamed(slot, eventOf(context, caller, 'named_session.created', name));
  if (outcome === 'exists') throw exists(name);
  return viewNamed(context, slot);
}

/**
 * Callers that configure a session's slot, or resume a suspended session, need all permissions of its user. Stopping a
 * slot, logging out of it and removing it give nobody access, so they require no more than any other end.
 * @throws `permission_missing`
 */
async function guardHeld(context: AuthorityContext, caller: Caller, slot: NamedSession): Promise<void> {
  const found = slot.sessionId && (await context.store.readSession(slot.sessionId));
  if (!found || view(context, found).status === 'ended') return;
  const { account } = await context.store.readUser(found.stored.userId);
  guardSession(caller, found.stored, account);
}

function exists(name: SessionName): CurfewError {
  return new CurfewError('named_session_exists', { detail: `It is named ${name}.` });
}

/** @throws `named_session_not_found`, also if the text is not a valid name */
async function readSlot(context: AuthorityContext, text: string): Promise<NamedSession> {
  const slot = isSessionName(text) ? await context.store.readNamed(text) : undefined;
  if (slot) return slot;
  throw new CurfewError('named_session_not_found', { detail: `None is named ${quoted(text)}.` });
}

async function changeSlot(
  context: AuthorityContext,
  asked: Caller,
  name: string,
  set: Partial<Pick<NamedSession, 'config' | 'started'>>,
): Promise<NamedSession> {
  return retryAs(context, asked, async (caller) => {
    const slot = await readSlot(context, name);
    if (set.config !== undefined) await guardHeld(context, caller, slot);
    const event = eventOf(context, caller, 'named_session.changed', slot.name, { changed: Object.keys(set) });
    const now = context.clock.nowForEnd();
    const outcome = await context.store.changeNamed({ name: slot.name, version: slot.version, set, now, event });
    if (outcome === 'not_found') throw new CurfewError('named_session_not_found', { detail: `None is named ${name}.` });
    return outcome;
  });
}

async function changeStarted(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  started: boolean,
): Promise<NamedSession> {
  const slot = await readSlot(context, name);
  return slot.started === started ? slot : changeSlot(context, caller, name, { started });
}

async function setStarted(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  started: boolean,
  wait?: Wait,
): Promise<NamedChange> {
  if (started) await guardHeld(context, caller, await readSlot(context, name));
  await changeStarted(context, caller, name, started);
  return reconcileSlot(context, caller, name, wait);
}

/**
 * Makes the session in a slot match the slot: suspended if it is stopped. Servers that start and stop one slot at the
 * same moment agree in the end, because each reads the slot again after it has changed the session.
 */
async function reconcileSlot(
  context: AuthorityContext,
  caller: Caller,
  name: string,
  wait?: Wait,
): Promise<NamedChange> {
  return retryConflicts(async () => {
    const slot = await readSlot(context, name);
    const receipt = await setSuspended(context, caller, slot, !slot.started, wait);
    const after = await readSlot(context, name);
    if (after.started !== slot.started || after.sessionId !== slot.sessionId) return 'conflict';
    return { receipt, named: await viewNamed(context, after) };
  });
}

/** Suspends or resumes the session in a slot, if there is one that has not ended. */
async function setSuspended(
  context: AuthorityContext,
  asked: Caller,
  slot: NamedSession,
  suspended: boolean,
  wait: Wait = 'everywhere',
): Promise<Receipt | undefined> {
  const { store, clock, fence } = context;
  return retryAs(context, asked, async (caller) => {
    const found = slot.sessionId && (await store.readSession(slot.sessionId));
    if (!found) return undefined;
    const { stored } = found;
    // The call that ended it may still be waiting, and this one must too (R18).
    const waitForEnd = () => (suspended ? endHeld(context, caller, slot, wait) : undefined);
    if (view(context, found).status === 'ended') return waitForEnd();
    const now = clock.nowForEnd();
    // Somebody else may have done this just now: then wait as they do.
    if (stored.suspended === suspended) {
      return { ...(await awaitHead(context, stored.userId, wait)), changedAt: now };
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
    if (outcome.kind === 'ended') return waitForEnd();
    if (outcome.kind !== 'changed') return undefined;
    return { ...(await fence.awaitEverywhere(outcome.sequence!, wait)), changedAt: now };
  });
}

async function endHeld(
  context: AuthorityContext,
  caller: Caller,
  slot: NamedSession,
  wait: Wait,
  told?: ToldReason,
): Promise<Receipt | undefined> {
  const found = slot.sessionId && (await context.store.readSession(slot.sessionId));
  if (!found) return undefined;
  const { stored } = found;
  const why = { by: actorOf(caller), reason: endReasonOf(caller, told, usualReason(caller, stored.userId)) };
  return (await endStored(context, stored.id, why, wait, { seen: stored })).receipt;
}

async function viewNamed(context: AuthorityContext, slot: NamedSession): Promise<NamedView> {
  const found = slot.sessionId && (await context.store.readSession(slot.sessionId));
  const session = found ? view(context, found) : undefined;
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
  context: AuthorityContext,
  caller: Caller,
  type: EventType,
  name: SessionName,
  details: Record<string, unknown> = {},
): NewEvent {
  return { type, at: context.clock.nowForEnd(), by: actorOf(caller), details: { name, ...details } };
}

/** @throws `invalid_value` */
function parseConfig(config: Metadata | undefined): Metadata {
  if (config === undefined) return {};
  const bytes = Buffer.byteLength(JSON.stringify(config));
  if (bytes > limits.configBytes) {
    throw new CurfewError('invalid_value', {
      detail: `A configuration has at most ${limits.configBytes} bytes of JSON; this one has ${bytes}.`,
    });
  }
  if (isWellFormedJson(config)) return config;
  throw new CurfewError('invalid_value', {
    detail: 'The texts in a configuration must be well-formed: one of them has half a surrogate pair.',
  });
}
