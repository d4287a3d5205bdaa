import type { SessionId } from '../domain/brand.ts';
import type { StoredSession } from '../domain/session.ts';
import { type Part, partOf } from '../domain/tally.ts';
import { actorOf, type Caller } from './caller.ts';
import type { AuthorityContext } from './context.ts';
import { usualReason } from './end-reason.ts';
import { type Done, type Handle, openHandle, sealHandle } from './preview-handle.ts';
import { mostAtOnce, pageOf } from './preview-sessions.ts';
import type { Receipt, Wait } from './receipt.ts';

export type EndedPreview = {
  /** How many sessions were counted. */
  counted: number;
  /** How many of them have been ended with the preview so far, and how many had ended before. */
  ended: number;
  alreadyEnded: number;
  /** How many were left alone, because what matches is no longer what was counted. */
  changed: number;
  /** The handle for the rest; absent if that was all. */
  preview: string | undefined;
  /** For all that have ended, once that was all; absent if none has. */
  receipt: Receipt | undefined;
};

/** Milliseconds after which a call begins no other part. */
const usualTurn = 1000;
/** Milliseconds that one read for a part may search: the next match may be far below the part. */
const glance = 50;
/** How many sessions are ended at once. */
const atOnce = 100;

/**
 * Ends the sessions that were counted in a preview, for about a second, and returns the handle for the rest. The
 * caller's own session is the last to end, so that its call for the rest is not refused. After an error, a repeated
 * call with the same handle counts what the failed one has ended as ended before.
 * @throws `preview_invalid`, `preview_of_another`, `preview_expired`
 */
export async function endPreviewed(
  context: AuthorityContext,
  caller: Caller,
  { preview, wait = 'everywhere' }: { preview: string; wait?: Wait | undefined },
  turn: number = usualTurn,
): Promise<EndedPreview> {
  const handle = openHandle(context, caller, preview);
  const { counted } = handle;
  let { above, done } = handle;
  const until = performance.now() + turn;
  const left = [...handle.parts];
  do {
    const part = left.shift();
    if (!part) break;
    done = await endPart(context, caller, { ...handle, above, done }, part);
    above = part.last;
  } while (performance.now() < until);
  if (left.length > 0) {
    const rest = { ...handle, madeAt: context.clock.nowForEnd(), above, parts: left, done };
    return { counted, ...told(done), preview: sealHandle(context, rest), receipt: undefined };
  }
  if (done.own && caller.kind === 'person') done = await endAll(context, caller, done, [caller.session]);
  const receipt = done.sequence > 0 ? await context.fence.awaitEverywhere(done.sequence, wait) : undefined;
  return { counted, ...told(done), preview: undefined, receipt: receipt && { ...receipt, endedAt: done.endedAt } };
}

function told({ ended, alreadyEnded, changed }: Done): Pick<EndedPreview, 'ended' | 'alreadyEnded' | 'changed'> {
  return { ended, alreadyEnded, changed };
}

async function endPart(context: AuthorityContext, caller: Caller, handle: Handle, part: Part): Promise<Done> {
  const sessions = await sessionsOf(context, handle, part);
  const found = sessions.length > 0 ? partOf(sessions.map(({ id }) => id)) : undefined;
  if (found?.last !== part.last || found.count !== part.count || found.sum !== part.sum) {
    return { ...handle.done, changed: handle.done.changed + part.count };
  }
  const mine = caller.kind === 'person' ? caller.session.id : undefined;
  const others = sessions.filter(({ id }) => id !== mine);
  const done = { ...handle.done, own: handle.done.own || others.length < sessions.length };
  return endAll(
    context,
    caller,
    done,
    others.map((seen) => ({ id: seen.id, userId: seen.userId, seen })),
  );
}

/** What matches now of a part's ids; a few more than were counted are enough to see that it has changed. */
async function sessionsOf(context: AuthorityContext, handle: Handle, { last, count }: Part): Promise<StoredSession[]> {
  const found: StoredSession[] = [];
  let after = handle.above;
  while (found.length <= count) {
    const limit = Math.min(mostAtOnce, count - found.length + 1);
    const { sessions, next } = await pageOf(context, handle, { after, limit, budget: glance });
    const ofPart = sessions.filter(({ id }) => id >= last);
    found.push(...ofPart);
    if (next === undefined || ofPart.length < sessions.length || next <= last) break;
    after = next;
  }
  return found;
}

async function endAll(
  context: AuthorityContext,
  caller: Caller,
  before: Done,
  sessions: readonly { id: SessionId; userId: StoredSession['userId']; seen?: StoredSession }[],
): Promise<Done> {
  const done = { ...before };
  const by = actorOf(caller);
  for (let i = 0; i < sessions.length; i += atOnce) {
    const at = context.clock.nowForEnd();
    const outcomes = await Promise.all(
      sessions
        .slice(i, i + atOnce)
        .map(({ id, userId, seen }) =>
          context.store.endSession(id, { at, by, reason: usualReason(caller, userId) }, { userId, seen }),
        ),
    );
    for (const outcome of outcomes) {
      if (outcome.kind === 'ended') done.ended += 1;
      else done.alreadyEnded += 1;
      if (outcome.kind === 'not_found') continue;
      done.sequence = Math.max(done.sequence, outcome.end.sequence);
      done.endedAt = Math.max(done.endedAt, outcome.end.at);
    }
  }
  return done;
}
