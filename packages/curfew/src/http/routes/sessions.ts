import { everyoneConfirmation } from '../../authority/end-everyone.ts';
import type { EndTarget } from '../../authority/end-session.ts';
import { limits } from '../../domain/limits.ts';
import { endReasons } from '../../domain/reasons.ts';
import { sessionStatuses } from '../../domain/session.ts';
import { CurfewError, isCurfewError } from '../../errors.ts';
import { type Context, operation } from '../operation.ts';
import { presentEnd, presentReceipt, presentSession } from '../present.ts';
import {
  accessGroups,
  alias,
  aliases,
  ending,
  idle,
  lifetime,
  maybe,
  metadata,
  oneOf,
  paging,
  Receipt,
  ref,
  Session,
  ShownSession,
  type Static,
  sessionId,
  sessionName,
  sort,
  Type,
  text,
  tokens,
  userId,
  waiting,
} from '../schemas.ts';

const tag = 'Sessions';
const byId = Type.Object({ id: sessionId }, { additionalProperties: false });
const token = Type.String({ maxLength: 256, description: 'A session token.', examples: ['cfs_…'] });
const refreshToken = Type.String({ maxLength: 256, description: 'A refresh token.', examples: ['cfr_…'] });

/** What sessions of all users can be filtered by. */
export const filters = {
  filter: maybe(text(limits.filter, 'Free text.')),
  user: maybe(userId),
  group: maybe(text(limits.groupBytes, 'An access group.')),
  name: maybe(sessionName),
  ip: maybe(text(64, 'An address.')),
};

export const endAnswer = Type.Object({
  success: Type.Boolean(),
  message: Type.String(),
  alreadyEnded: Type.Boolean({ description: 'Whether the session had ended before, so that nothing has changed.' }),
  session: ref(ShownSession),
  receipt: ref(Receipt),
});
/** Who may end a session: its owner after a fresh sign-in; others with the permission, and people with a factor. */
export const toEnd = { permission: 'sessions.end', own: 'fresh-sign-in', others: 'second-factor' } as const;

/** Who may get the tokens of a user's session: a person who has them may end that user's sessions, which needs a factor. */
export const toOpen = { permission: 'sessions.create', person: 'second-factor' } as const;

export const pageOfSessions = {
  answer: {
    status: 200,
    description: 'A page of sessions.',
    schema: Type.Object({
      sessions: Type.Array(ref(Session)),
      nextCursor: maybe(Type.String({ description: 'For the next page; absent on the last.' })),
      total: maybe(Type.Integer({ description: 'How many match, if that is known.' })),
      partial: Type.Boolean({ description: 'There may be more than was shown.' }),
    }),
  },
  errors: ['limit_out_of_range', 'cursor_invalid', 'cursor_of_another_query', 'user_id_too_long'],
} as const;

const openAnswer = Type.Object({ session: ref(Session), ...tokens });

export const createSession = operation({
  id: 'createSession',
  method: 'POST',
  path: '/v1/sessions',
  tag,
  summary: 'Open a session for a user',
  description: 'The tokens are shown once. The device is read from `userAgent`.',
  access: toOpen,
  body: Type.Object(
    {
      userId,
      accessGroups: maybe(accessGroups),
      name: maybe(sessionName),
      userAgent: maybe(Type.String({ maxLength: 8192, description: 'The `User-Agent` of the device.' })),
      ip: maybe(text(64, 'The address of the device.', { examples: ['203.0.113.7'] })),
      metadata: maybe(metadata),
      lifetime: maybe(lifetime),
      idle: maybe(idle),
      aliases: maybe(aliases),
    },
    { additionalProperties: false, examples: [{ userId: 'ada', accessGroups: ['staff'], ip: '203.0.113.7' }] },
  ),
  answer: { status: 201, description: 'The session, and its tokens.', schema: openAnswer },
  errors: [
    'user_id_too_long',
    'too_many_groups',
    'metadata_too_large',
    'name_taken',
    'alias_taken',
    'named_session_stopped',
    'too_many_sessions',
    'account_disabled',
    'signed_out_meanwhile',
    'clock_stepped_back',
  ],
  async handle({ authority, caller, body }) {
    const opened = await authority.createSession(caller, {
      ...body,
      lifetime: body.lifetime && body.lifetime * 1000,
      idle: body.idle && body.idle * 1000,
    });
    return { ...opened, session: presentSession(opened.session) };
  },
});

const inactiveReasons = ['malformed', 'unknown', 'suspended', ...endReasons] as const;

export const verifySession = operation({
  id: 'verifySession',
  method: 'POST',
  path: '/v1/sessions/verify',
  tag,
  summary: 'Verify a session token, or an alias',
  description:
    'Send exactly one of the two. An invalid token is not an error: `active` is false, and `reason` says why. `malformed`: mistyped or cut off. ' +
    '`unknown`: belongs to no session, or was replaced by a newer token. Any other reason says what became of the session.',
  access: { permission: 'sessions.verify' },
  fastPath: true,
  body: Type.Object(
    { token: maybe(token), alias: maybe(alias) },
    { additionalProperties: false, examples: [{ token: 'cfs_…' }] },
  ),
  answer: {
    status: 200,
    description: 'The verdict.',
    schema: Type.Object({
      active: Type.Boolean(),
      session: maybe(ref(Session)),
      reason: maybe(oneOf(inactiveReasons)),
    }),
  },
  errors: ['missing_field', 'clock_stepped_back'],
  async handle({ authority, body: { token, alias } }) {
    if ((token === undefined) === (alias === undefined)) {
      throw new CurfewError('missing_field', { detail: 'Send either token or alias.' });
    }
    const verdict = await authority.verifySession(token ?? { alias: alias! });
    return verdict.active ? { active: true, session: presentSession(verdict.session) } : verdict;
  },
});

export const refreshSession = operation({
  id: 'refreshSession',
  method: 'POST',
  path: '/v1/sessions/refresh',
  tag,
  summary: 'Give a session new tokens',
  description:
    'Both tokens are replaced. For 30 seconds, every caller that presents the same refresh token gets the same new ' +
    'tokens; if a refresh token is used again later, the session ends (`refresh_reuse`).',
  access: 'open',
  body: Type.Object({ refreshToken }, { additionalProperties: false }),
  answer: { status: 200, description: 'The session, and its new tokens.', schema: openAnswer },
  errors: [
    'token_malformed',
    'token_unknown',
    'session_ended',
    'session_suspended',
    'changed_meanwhile',
    'clock_stepped_back',
  ],
  async handle({ authority, body }) {
    const opened = await authority.refreshSession(body.refreshToken);
    return { ...opened, session: presentSession(opened.session) };
  },
});

export const exchangeAlias = operation({
  id: 'exchangeAlias',
  method: 'POST',
  path: '/v1/sessions/exchange-alias',
  tag,
  summary: 'Give the session of an alias new tokens',
  description:
    'For an application that replaces an old cookie by one of its own. The tokens that the session had stop working. For ' +
    '30 seconds the alias still verifies, and every caller that presents it gets the same new tokens; later it is unknown. ' +
    'If the session has permissions of an account, the caller must have all of them. Within 15 minutes of the sign-in of ' +
    'its user, only a key can do it.',
  access: toOpen,
  body: Type.Object({ alias }, { additionalProperties: false }),
  answer: { status: 200, description: 'The session, and its new tokens.', schema: openAnswer },
  errors: ['alias_unknown', 'session_ended', 'session_suspended', 'changed_meanwhile', 'clock_stepped_back'],
  async handle({ authority, caller, body }) {
    const opened = await authority.exchangeAlias(caller, body);
    return { ...opened, session: presentSession(opened.session) };
  },
});

const logoutBody = Type.Object(
  {
    token: maybe(token),
    refreshToken: maybe(refreshToken),
    name: maybe(sessionName),
    id: maybe(sessionId),
    alias: maybe(alias),
  },
  { additionalProperties: false, examples: [{ token: 'cfs_…' }] },
);

export const logoutSession = operation({
  id: 'logoutSession',
  method: 'POST',
  path: '/v1/sessions/logout',
  tag,
  summary: 'End a session by its token, refresh token, name, id or alias',
  description:
    'Send exactly one of the five. If the session has ended already, the answer is 200 again, with its first end.',
  access: {
    ...toEnd,
    owner: ({ authority, body }) => ignoreAbsence(() => authority.findTarget(endTarget(body))),
  },
  query: ending,
  body: logoutBody,
  answer: { status: 200, description: 'The session has ended.', schema: endAnswer },
  errors: ['missing_field', 'session_not_found', 'token_malformed'],
  async handle(context) {
    return endOne(context, endTarget(context.body));
  },
});

/** Ends the session that was found to authorise the caller; for other callers, the session is looked up first. */
async function endOne(
  { authority, caller, found, query }: Context<unknown, Static<typeof ending>, unknown>,
  target: EndTarget,
) {
  const { wait, reason } = query;
  const ended = found
    ? await authority.endFound(caller, { target, found }, wait, reason)
    : await authority.endSession(caller, target, wait, reason);
  return presentEnd(caller, ended, !('id' in target || 'name' in target));
}

function endTarget(body: Static<typeof logoutBody>): EndTarget {
  const given = Object.entries(body).filter(([, value]) => value !== undefined);
  if (given.length === 1) return Object.fromEntries(given) as EndTarget;
  throw new CurfewError('missing_field', {
    detail: `Send exactly one of token, refreshToken, name, id and alias; there are ${given.length}.`,
  });
}

export const listSessions = operation({
  id: 'listSessions',
  method: 'GET',
  path: '/v1/sessions',
  tag,
  summary: 'List sessions across users',
  description:
    'The default order, newest first, works for any number of sessions. `filter` is text that is searched for literally ' +
    `in ids, names, addresses, groups and devices. Any other order sorts at most ${limits.sortedMatches.toLocaleString('en')} ` +
    'matches. However many sessions end meanwhile, the pages show every session that existed throughout. `partial` means ' +
    'that there may be more than was shown: too many to look at, or, in an order by `lastSeenAt` or `status`, some that ' +
    'have moved to an earlier page. `total` is present if it is known. People may list their own with `user`.',
  access: { permission: 'sessions.read', owner: ({ query }) => query.user },
  query: Type.Object(
    {
      ...filters,
      status: maybe(oneOf(sessionStatuses)),
      sort: maybe(sort),
      ...paging,
    },
    { additionalProperties: false, examples: [{ group: 'staff', status: 'active' }] },
  ),
  ...pageOfSessions,
  async handle({ authority, query }) {
    const list = await authority.listSessions(query);
    return { ...list, sessions: list.sessions.map(presentSession) };
  },
});

export const getSession = operation({
  id: 'getSession',
  method: 'GET',
  path: '/v1/sessions/:id',
  tag,
  summary: 'Read a session',
  description: 'This includes ended sessions, for as long as they are kept.',
  access: {
    permission: 'sessions.read',
    owner: ({ authority, params }) => ignoreAbsence(async () => (await authority.getSession(params.id)).userId),
  },
  params: byId,
  answer: { status: 200, description: 'The session.', schema: Type.Object({ session: ref(Session) }) },
  errors: ['session_not_found'],
  async handle({ authority, params }) {
    return { session: presentSession(await authority.getSession(params.id)) };
  },
});

export const endSession = operation({
  id: 'endSession',
  method: 'DELETE',
  path: '/v1/sessions/:id',
  tag,
  summary: 'End a session',
  description: 'If the session has ended already, the answer is 200 again, with its first end.',
  access: {
    ...toEnd,
    owner: ({ authority, params }) => ignoreAbsence(() => authority.findTarget({ id: params.id })),
  },
  params: byId,
  query: ending,
  answer: { status: 200, description: 'The session has ended.', schema: endAnswer },
  errors: ['session_not_found'],
  async handle(context) {
    return endOne(context, { id: context.params.id });
  },
});

export const endEveryone = operation({
  id: 'endEveryone',
  method: 'POST',
  path: '/v1/sessions/end-everyone',
  tag,
  summary: 'End every session',
  description: "However many there are, including the caller's own and those being opened at this moment.",
  access: { permission: 'sessions.end', person: 'second-factor' },
  query: waiting,
  body: Type.Object(
    {
      confirm: Type.String({
        maxLength: 20,
        description: `\`${everyoneConfirmation}\`.`,
        examples: [everyoneConfirmation],
      }),
    },
    { additionalProperties: false },
  ),
  answer: {
    status: 200,
    description: 'All sessions have ended.',
    schema: Type.Object({
      success: Type.Boolean(),
      message: Type.String(),
      ended: Type.Integer({
        description: 'How many active sessions this call ended. Suspended ones end as well, and are not counted.',
      }),
      receipt: ref(Receipt),
    }),
  },
  errors: ['confirmation_required'],
  async handle({ authority, caller, body, query }) {
    const { ended, receipt } = await authority.endEveryone(caller, { confirm: body.confirm, wait: query.wait });
    return { success: true, message: endedMessage(ended), ended, receipt: presentReceipt(receipt) };
  },
});

export function endedMessage(ended: number): string {
  return ended === 1 ? '1 session has ended.' : `${ended.toLocaleString('en')} sessions have ended.`;
}

/** Something that does not exist has no owner, so only callers with the permission learn that it does not exist. */
export async function ignoreAbsence<Owned>(read: () => Promise<Owned>): Promise<Owned | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isCurfewError(error, 'session_not_found', 'token_malformed', 'invalid_value')) return undefined;
    throw error;
  }
}
