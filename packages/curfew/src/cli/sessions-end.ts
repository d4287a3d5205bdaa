import type { Command } from 'commander';
import { type CallOptions, CurfewApiError, type Operations } from 'curfew-client';
import { answer, type Context, confirmed, contextOf, exitCodes, Stop, withFactor } from './context.ts';
import { receiptText } from './format.ts';
import { startProgress } from './progress.ts';
import { counted, paint } from './terminal.ts';
import { type UserNames, userNames, withName } from './user.ts';

type Ended = Operations['endSession']['output'];
type Failed = { id: string; code: string; message: string };

export function sessionsEnd(sessions: Command): void {
  sessions
    .command('end')
    .description('end sessions by their ids')
    .argument('[ids...]', 'the ids of the sessions')
    .option('--name <name>', 'end the session with this name instead')
    .option('--session-token <token>', 'end the session with this token instead')
    .option('--refresh-token <token>', 'end the session with this refresh token instead')
    .action(
      async (ids: string[], by: { name?: string; sessionToken?: string; refreshToken?: string }, command: Command) => {
        const context = contextOf(command);
        const target = { name: by.name, token: by.sessionToken, refreshToken: by.refreshToken };
        const named = Object.values(target).some((value) => value !== undefined);
        if (named === ids.length > 0)
          throw new Stop(
            exitCodes.usage,
            'Give the ids of sessions, or exactly one of --name, --session-token and --refresh-token.',
          );
        if (named) await endNamed(context, target);
        else if (ids.length === 1) await endOne(context, ids[0]!);
        else await endMany(context, ids);
      },
    );
}

async function endNamed(context: Context, target: Operations['logoutSession']['input']) {
  const { wait } = context.options;
  const end = (options: CallOptions) => context.client.logoutSession({ ...target, wait }, options);
  await answerEnded(context, await withFactor(context, end).catch(absent));
}

/** If there is no such session, nothing was ended, which has an exit code of its own. */
function absent(error: unknown): never {
  if (!(error instanceof CurfewApiError) || error.code !== 'session_not_found') throw error;
  const remedy =
    '`curfew sessions list` shows the ids; `curfew sessions end-all --user <user>` ends all sessions of a user.';
  throw new Stop(exitCodes.nothing, error.message, { code: error.code, remedy });
}

async function answerEnded(context: Context, ended: Ended): Promise<void> {
  const names = context.terminal.json ? new Map() : await userNames(context, [ended.session.userId]);
  answer(context, ended, () => endedText(ended, names));
}

async function endOne(context: Context, id: string): Promise<void> {
  const { wait } = context.options;
  const end = (options: CallOptions) => context.client.endSession({ id, wait }, options);
  await answerEnded(context, await withFactor(context, end).catch(absent));
}

/** Ends sessions one after another. Those that cannot be ended are reported, and the rest are still ended. */
async function endMany(context: Context, ids: readonly string[]): Promise<void> {
  await confirmed(context, `This ends ${counted(ids.length, 'session')}. Continue?`);
  const progress = startProgress(context.terminal, 'sessions', ids.length);
  const ended: Ended[] = [];
  const failed: Failed[] = [];
  try {
    for (const id of ids) {
      try {
        ended.push(
          await withFactor(context, (options) =>
            context.client.endSession({ id, wait: context.options.wait }, options),
          ),
        );
      } catch (error) {
        if (!(error instanceof CurfewApiError) || error.status !== 404) throw error;
        failed.push({ id, code: error.code, message: error.message });
      }
      progress.update(ended.length + failed.length);
    }
  } finally {
    progress.stop();
  }
  answer(context, { ended: ended.length, failed }, () =>
    [
      `${counted(ended.length, 'session')} ended.`,
      ...failed.map(({ id, message }) => paint('red', `${id}: ${message}`)),
    ].join('\n'),
  );
  if (failed.length > 0) throw new Stop(ended.length === 0 ? exitCodes.nothing : exitCodes.failed);
}

function endedText({ session, receipt }: Ended, names: UserNames): string {
  const when = session.endedAt ? ` at ${session.endedAt}` : '';
  const whose = withName(names, session.userId);
  return `Session ${session.id} of ${whose} has ended${when}: ${session.endReason}.\n${receiptText(receipt)}`;
}
