import type { Command } from 'commander';
import { type Event, type Operations, pages } from 'curfew-client';
import { eventTypes } from '../domain/events.ts';
import { answerInLines, type Context, contextOf, exitCodes, Stop } from './context.ts';
import { followEvents } from './follow-events.ts';
import { actorText } from './format.ts';
import { choice, moment, pageSize } from './option-values.ts';
import { type Column, jsonText, paint, renderTable } from './terminal.ts';
import { exactOption, findUser, type UserNames, unnamedText, userNames, withName, withoutId } from './user.ts';

type Options = {
  since?: string;
  until?: string;
  user?: string;
  exact?: boolean;
  actor?: string;
  type?: Event['type'];
  limit: number;
  cursor?: string;
  follow?: boolean;
};
type Query = Operations['listEvents']['input'];
type Page = Operations['listEvents']['output'];

export function events(program: Command): void {
  program
    .command('events')
    .description('list events, newest first; or, with --follow, print them as they happen')
    .option(
      '--since <when>',
      'from this time on: a date such as 2026-11-26T14:30Z, or how long ago, such as 2h or 3d',
      since,
    )
    .option('--until <when>', 'before this time', since)
    .option('-u, --user <user>', 'about this user: an account’s user name or address, or an id')
    .option('--actor <actor>', 'done by this actor: a user as with --user, key:<id>, policy or library')
    .option(...exactOption)
    .addOption(choice('-t, --type <type>', 'of this type', eventTypes))
    .addOption(pageSize('events'))
    .option('--cursor <cursor>', 'show the page after this cursor')
    .option('-f, --follow', 'print new events as they happen (with --since, first those since then), until interrupted')
    .action(async (asked: Options, command: Command) => {
      const context = contextOf(command);
      if (asked.follow && (asked.until !== undefined || asked.cursor !== undefined)) {
        throw new Stop(exitCodes.usage, '--follow has no end: leave out --until and --cursor.');
      }
      const { query, unnamed } = await queryOf(context, asked);
      if (unnamed) context.terminal.err(unnamedText);
      if (asked.follow) await follow(context, query);
      else await list(context, query, asked);
    });
}

// Commander passes the previous value as a second argument.
function since(text: string): string {
  return moment(text);
}

/** `unnamed`: a text could only be taken as an id, so events of an account with that name may be missing. */
async function queryOf(context: Context, asked: Options): Promise<{ query: Query; unnamed: boolean }> {
  const { since, until, exact, type } = asked;
  const user = asked.user === undefined ? undefined : await findUser(context, asked.user, exact);
  const actor = asked.actor === undefined ? undefined : await actorOf(context, asked.actor, exact);
  const query = { since, until, user: user?.id, actor: actor?.by, type } as Query;
  return { query, unnamed: [user, actor].some((found) => found?.unnamed) };
}

async function actorOf(context: Context, text: string, exact?: boolean): Promise<{ by: string; unnamed?: true }> {
  if (text === 'policy' || text === 'library' || /^(user|key):/.test(text)) return { by: text };
  const { id, ...found } = await findUser(context, text, exact);
  return { ...found, by: `user:${id}` };
}

/** The server stops a search after half a second; this continues until there is a page, or nothing more to search. */
async function list(context: Context, query: Query, { limit, cursor }: Options): Promise<void> {
  const { terminal, client } = context;
  const page: Page = { events: [], partial: false };
  for await (const part of pages(client.listEvents, { ...query, limit, cursor } as Query)) {
    page.events.push(...part.events);
    page.nextCursor = part.nextCursor;
    if (page.events.length > 0) break;
  }
  if (page.nextCursor === undefined) delete page.nextCursor;
  const names = terminal.json ? new Map<string, string>() : await userNames(context, usersOf(page.events));
  answerInLines(context, page, ({ events, nextCursor }) => {
    if (events.length === 0) return 'No events match.';
    const more = nextCursor ? `\n\n${paint('dim', `More: ${moreOf(query)}--cursor ${nextCursor}`)}` : '';
    return renderTable(events, eventColumns(names), terminal.width) + more;
  });
}

/** A cursor belongs to its query, and `2h` would mean a different time by now. */
function moreOf({ since, until }: Query): string {
  return [since && `--since ${since} `, until && `--until ${until} `].filter(Boolean).join('');
}

async function follow(context: Context, query: Query): Promise<void> {
  const { terminal } = context;
  const names = new Map<string, string>();
  const looked = new Set<string>();
  for await (const event of followEvents(context, query)) {
    if (terminal.json) {
      terminal.out(jsonText(event));
      continue;
    }
    const users = usersOf([event]).filter((id) => !looked.has(id));
    for (const [id, name] of await userNames(context, users)) names.set(id, name);
    for (const id of users) looked.add(id);
    // Without its heads: the next event may be long in coming.
    terminal.out(renderTable([event], eventColumns(names), terminal.width).split('\n')[1]!);
  }
}

function usersOf(some: readonly Event[]): string[] {
  const actors = some.map(({ by }) => (by.startsWith('user:') ? by.slice('user:'.length) : undefined));
  return [...new Set([...some.map(({ userId }) => userId), ...actors])].filter((id) => id !== undefined);
}

export const eventColumns = (names: UserNames): readonly Column<Event>[] => [
  { head: 'WHEN (UTC)', of: ({ at }) => at.slice(0, 19).replace('T', ' '), least: 19 },
  { head: 'TYPE', of: ({ type }) => type, least: longestType },
  { head: 'BY', of: ({ by }) => actorText(names, by), short: ({ by }) => actorText(names, by, withoutId), least: 10 },
  {
    head: 'USER',
    of: ({ userId }) => (userId === undefined ? '–' : withName(names, userId)),
    short: ({ userId }) => (userId === undefined ? '–' : withoutId(names, userId)),
    least: 8,
  },
  { head: 'DETAILS', of: detailsText, least: 8 },
];

/** Types are never cut: `named_session.c…` could be two of them. */
const longestType = Math.max(...eventTypes.map((type) => type.length));

function detailsText({ reason, sessionId, details }: Event): string {
  const parts = [reason, sessionId && `session ${sessionId}`, details && JSON.stringify(details)];
  return parts.filter(Boolean).join(' ') || '–';
}
