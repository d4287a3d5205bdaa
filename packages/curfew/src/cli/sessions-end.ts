import type { Command } from 'commander';
import { type CallOptions, CurfewApiError, type Operations } from 'curfew-client';
import { answer, type Context, confirmed, contextOf, exitCodes, presentSession, Stop, withFactor } from './context.ts';
import { receiptText } from './format.ts';
import { address } from './option-values.ts';
import { startProgress } from './progress.ts';
import { orInput, secretArgument } from './secret-argument.ts';
import { counted, paint } from './terminal.ts';
import { exactOption, findUser, type UserNames, userNames, userText, withName } from './user.ts';

type Ended = Operations['endSession']['output'];
type Failed = { id: string; code: string; message: string };

export function sessionsEnd(sessions: Command): void {
  sessions
    .command('end')
    .description('end sessions by their ids, or all that match')
    .argument('[ids...]', 'the ids of the sessions')
    .option('--name <name>', 'end the session with this name instead')
    .option('--session-token <token>', `end the session with this token instead; ${orInput}`)
    .option('--refresh-token <token>', `end the session with this refresh token instead; ${orInput}`)
    .option('-u, --user <user>', 'end those of this user: an account’s user name or address, or an id')
    .option(...exactOption)
    .option('-g, --group <key>', 'end those with this access group')
    .option('--ip <address>', 'end those from this address', address)
    .option('-f, --filter <text>', 'end those with this text in the ids, name, address, groups or device')
    .option('--except <id...>', 'keep these sessions; `current` is the one that this command uses')
    .action(async (ids: string[], by: By, command: Command) => {
      const context = contextOf(command);
      const target = { name: by.name, token: by.sessionToken, refreshToken: by.refreshToken };
      const named = isAnyGiven(target);
      const filtered = isAnyGiven({ user: by.user, group: by.group, ip: by.ip, filter: by.filter });
      if ([named, filtered, ids.length > 0].filter(Boolean).length !== 1)
        throw new Stop(
          exitCodes.usage,
          'Give the ids of sessions, or exactly one of --name, --session-token and --refresh-token, or filters: ' +
            '--user, --group, --ip, --filter.',
        );
      if (by.except && !filtered) throw new Stop(exitCodes.usage, '--except can only be used with filters.');
      if (filtered) await endMatching(context, by);
      else if (named) await endNamed(context, await withInput(target));
      else if (ids.length === 1) await endOne(context, ids[0]!);
      else await endMany(context, ids);
    });
}

type By = {
  name?: string;
  sessionToken?: string;
  refreshToken?: string;
  user?: string;
  exact?: boolean;
  group?: string;
  ip?: string;
  filter?: string;
  except?: string[];
};

type Target = { name?: string | undefined; token?: string | undefined; refreshToken?: string | undefined };

/** The target, with a token that comes from standard input. */
async function withInput({ name, token, refreshToken }: Target): Promise<Target> {
  return {
    name,
    token: token && (await secretArgument(token)),
    refreshToken: refreshToken && (await secretArgument(refreshToken)),
  };
}

function isAnyGiven(options: Record<string, string | undefined>): boolean {
  return Object.values(options).some((value) => value !== undefined);
}

/** Counts the sessions that match, and ends exactly these. */
async function endMatching(context: Context, { user: text, exact, group, ip, filter, except }: By): Promise<void> {
  const { client, options } = context;
  const user = text === undefined ? undefined : await findUser(context, text, exact);
  const kept = except?.map((id) => (id === 'current' ? presentSession(context) : id));
  const found = await client.previewSessions({ user: user?.id, group, ip, filter, except: kept });
  if (found.preview === undefined) throw new Stop(exitCodes.nothing, 'No live session matches.');
  const whose = user ? userText(user) : counted(found.users, 'user');
  const more = found.partial ? ' There are more, which this does not end: the count ran out of time.' : '';
  await confirmed(context, `This ends ${counted(found.sessions, 'session')} of ${whose}.${more} Continue?`);
  const progress = startProgress(context.terminal, 'sessions', found.sessions);
  const end = (preview: string): Promise<EndedPreview> =>
    withFactor(context, (call) => client.endPreviewed({ preview, wait: options.wait }, call));
  const { partial } = found;
  let done: EndedPreview | undefined;
  let stopped: { by: unknown } | undefined;
  try {
    done = await end(found.preview);
    while (done.preview !== undefined) {
      progress.update(reached(done));
      done = await end(done.preview);
    }
  } catch (error) {
    stopped = { by: error };
  } finally {
    progress.stop();
  }
  if (!done) throw stopped?.by;
  // What earlier calls have ended stays ended, whatever became of the last one.
  const left = stopped ? { failed: failures(stopped.by), notTried: found.sessions - reached(done) } : {};
  answer(context, { ...done, partial, ...left }, previewText);
  if (stopped) throw stopped.by;
  if (partial || done.changed > 0) {
    throw new Stop(done.ended === 0 && !partial ? exitCodes.nothing : exitCodes.failed);
  }
}

type EndedPreview = Operations['endPreviewed']['output'];
type Matched = EndedPreview & { partial: boolean; failed?: Omit<Failed, 'id'>[]; notTried?: number };

function reached({ ended, alreadyEnded, changed }: EndedPreview): number {
  return ended + alreadyEnded + changed;
}

/** An error as one of those in an answer, if a call failed with it. */
function failures(error: unknown): Omit<Failed, 'id'>[] {
  return error instanceof CurfewApiError ? [{ code: error.code, message: error.message }] : [];
}

function previewText({ ended, alreadyEnded, changed, receipt, partial, notTried = 0 }: Matched): string {
  return [
    `${counted(ended, 'session')} ended.`,
    ...(alreadyEnded > 0 ? [`${counted(alreadyEnded, 'session')} had ended before.`] : []),
    ...(changed > 0
      ? [paint('red', `${counted(changed, 'session')} left alone, because what matches has changed: try again.`)]
      : []),
    ...(partial ? [paint('red', 'There are more that match, because the count ran out of time: try again.')] : []),
    ...(notTried > 0 ? [paint('red', `${counted(notTried, 'session')} may be left: try again.`)] : []),
    ...(receipt ? [receiptText(receipt)] : []),
  ].join('\n');
}

async function endNamed(context: Context, target: Operations['logoutSession']['input']) {
  const { wait } = context.options;
  const end = (options: CallOptions) => context.client.logoutSession({ ...target, wait }, options);
  await answerEnded(context, await withFactor(context, end).catch(absent));
}

/** If there is no such session, nothing was ended or changed, which has an exit code of its own. */
export function absent(error: unknown): never {
  if (!(error instanceof CurfewApiError) || error.code !== 'session_not_found') throw error;
  const remedy =
    '`curfew sessions list` shows the ids; `curfew sessions end-all --user <user>` ends all sessions of a user.';
  throw new Stop(exitCodes.nothing, error.message, { code: error.code, remedy });
}

async function answerEnded(context: Context, ended: Ended): Promise<void> {
  const { userId } = ended.session;
  const names = context.terminal.json || userId === undefined ? new Map() : await userNames(context, [userId]);
  answer(context, ended, () => endedText(ended, names));
}

async function endOne(context: Context, id: string): Promise<void> {
  const { wait } = context.options;
  const end = (options: CallOptions) => context.client.endSession({ id, wait }, options);
  await answerEnded(context, await withFactor(context, end).catch(absent));
}

/**
 * Ends sessions one after another. One that cannot be ended is reported, and the rest are still ended. An error that the
 * others would meet too stops it, after an answer that says what was done.
 */
async function endMany(context: Context, ids: readonly string[]): Promise<void> {
  await confirmed(context, `This ends ${counted(ids.length, 'session')}. Continue?`);
  const progress = startProgress(context.terminal, 'sessions', ids.length);
  const ended: Ended[] = [];
  const failed: Failed[] = [];
  let stopped: { by: unknown } | undefined;
  try {
    for (const id of ids) {
      try {
        ended.push(
          await withFactor(context, (options) =>
            context.client.endSession({ id, wait: context.options.wait }, options),
          ),
        );
      } catch (error) {
        failed.push(...failures(error).map((failure) => ({ id, ...failure })));
        if (!isAboutOne(error)) {
          stopped = { by: error };
          break;
        }
      }
      progress.update(ended.length + failed.length);
    }
  } finally {
    progress.stop();
  }
  const alreadyEnded = ended.filter((one) => one.alreadyEnded).length;
  const tried = ended.length + failed.length;
  const notTried = ids.slice(tried);
  const done = { ended: ended.length - alreadyEnded, alreadyEnded, failed, ...(stopped && { notTried }) };
  // If the first call fails, nothing was done, and the error says everything.
  if (stopped && tried <= 1 && ended.length === 0) throw stopped.by;
  answer(context, done, () =>
    [
      `${counted(done.ended, 'session')} ended.`,
      ...(alreadyEnded > 0 ? [`${counted(alreadyEnded, 'session')} had ended before.`] : []),
      ...failed.map(({ id, message }) => paint('red', `${id}: ${message}`)),
      ...notTried.map((id) => paint('red', `${id}: not tried`)),
    ].join('\n'),
  );
  if (stopped) throw stopped.by;
  if (failed.length > 0) {
    const isNothing = ended.length === 0 && failed.every(({ code }) => code === 'session_not_found');
    throw new Stop(isNothing ? exitCodes.nothing : exitCodes.failed);
  }
}

/** Whether the others may well be ended: there is no such session, or this one was changed at the same moment. */
function isAboutOne(error: unknown): boolean {
  return error instanceof CurfewApiError && [400, 404, 409].includes(error.status);
}

function endedText({ session, receipt, alreadyEnded }: Ended, names: UserNames): string {
  const when = session.endedAt ? ` at ${session.endedAt}` : '';
  // Only who may read sessions is told whose it was.
  const whose = session.userId === undefined ? '' : ` of ${withName(names, session.userId)}`;
  return `Session ${session.id}${whose} ${alreadyEnded ? 'had already ended' : 'has ended'}${when}: ${session.endReason}.\n${receiptText(receipt)}`;
}
