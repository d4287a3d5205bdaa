import type { Command } from 'commander';
import { type Operations, pages, type Session } from 'curfew-client';
import { sortKeys } from '../authority/list-sessions.ts';
import { limits } from '../domain/limits.ts';
import { sessionStatuses } from '../domain/session.ts';
import { type Context, contextOf, currentSession } from './context.ts';
import { sessionColumns } from './format.ts';
import { address, choice, pageSize } from './option-values.ts';
import { startProgress } from './progress.ts';
import { counted, jsonText, paint, renderTable } from './terminal.ts';
import { exactOption, findUser, nothingText, type User, type UserNames, userNames, userText } from './user.ts';

type Filters = {
  user?: string;
  exact?: boolean;
  group?: string;
  name?: string;
  ip?: string;
  filter?: string;
  status: string;
  sort?: string;
  limit: number;
  cursor?: string;
  all?: boolean;
};
const orders = sortKeys.flatMap((key) => [key, `-${key}`]);
type Query = Operations['listSessions']['input'];
type Page = Operations['listSessions']['output'];

export function sessionsList(sessions: Command): void {
  sessions
    .command('list')
    .description('list sessions, newest first')
    .option('-u, --user <user>', 'of this user: an account’s user name or address, or an id')
    .option(...exactOption)
    .option('-g, --group <key>', 'with this access group')
    .option('--name <name>', 'with this name')
    .option('--ip <address>', 'from this address', address)
    .option('-f, --filter <text>', 'with this text in the ids, name, address, groups or device')
    .addOption(choice('-s, --status <status>', 'in this state', [...sessionStatuses, 'any']).default('active'))
    .addOption(choice('--sort <key>', 'the order; - before a key means descending', orders))
    .addOption(pageSize('sessions'))
    .option('--cursor <cursor>', 'show the page after this cursor')
    .option('-a, --all', 'show all pages')
    .action(async (filters: Filters, command: Command) => {
      const context = contextOf(command);
      const user = filters.user === undefined ? undefined : await findUser(context, filters.user, filters.exact);
      const query = queryOf({ ...filters, user: user?.id });
      const page = filters.all ? await allPages(context, query) : await context.client.listSessions(query);
      if (context.terminal.json) context.terminal.out(jsonText(page, 2));
      else show(context, page, filters, user, currentSession(context), await userNames(context, usersOf(page)));
    });
}

function queryOf(filters: Omit<Filters, 'user'> & { user: string | undefined }): Query {
  const { all, exact: _exact, status, limit, ...rest } = filters;
  const size = all ? limits.pageMax : limit;
  return { ...rest, limit: size, ...(status !== 'any' && { status }) } as Query;
}

async function allPages(context: Context, query: Query): Promise<Page> {
  const sessions: Session[] = [];
  let partial = false;
  const progress = startProgress(context.terminal, 'sessions', 0);
  try {
    for await (const page of pages(context.client.listSessions, query)) {
      sessions.push(...page.sessions);
      partial ||= page.partial;
      progress.update(sessions.length, page.total ?? sessions.length + (page.nextCursor ? 100 : 0));
    }
  } finally {
    progress.stop();
  }
  return { sessions, partial, total: sessions.length };
}

function usersOf({ sessions }: Page): string[] {
  return sessions.map(({ userId }) => userId);
}

function show(
  { terminal }: Context,
  { sessions, nextCursor, total, partial }: Page,
  filters: Filters,
  user: User | undefined,
  current: string | undefined,
  names: UserNames,
): void {
  if (sessions.length === 0) {
    const status = filters.status === 'any' ? '' : `${filters.status} `;
    terminal.say(`No ${status}sessions${narrowed(filters) ? ' match' : ' yet'}.`);
    if (user) terminal.say(paint('dim', nothingText(user, `${status}session`)));
    if (partial) terminal.say(paint('yellow', 'The search ran out of time: narrow it with --user, --group or --ip.'));
    return;
  }
  terminal.out(renderTable(sessions, sessionColumns(names, current), terminal.width));
  const of = total === undefined || total === sessions.length ? '' : ` of ${total.toLocaleString('en')}`;
  terminal.out('');
  terminal.out(
    paint(
      'dim',
      `${sessions.length.toLocaleString('en')}${of} ${counted(total ?? sessions.length, 'session').replace(/^\S+ /, '')}${user ? ` of ${userText(user)}` : ''}.`,
    ),
  );
  if (nextCursor) terminal.out(paint('dim', `More: --all, or --cursor ${nextCursor}`));
  if (partial && !nextCursor) terminal.say(paint('yellow', 'There may be more: the search ran out of time.'));
}

function narrowed({ user, group, name, ip, filter }: Filters): boolean {
  return [user, group, name, ip, filter].some((part) => part !== undefined);
}
