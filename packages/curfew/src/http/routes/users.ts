import type { Caller } from '../../authority/caller.ts';
import type { Authority } from '../../authority/index.ts';
import type { Wait } from '../../authority/receipt.ts';
import { limits } from '../../domain/limits.ts';
import { sessionStatuses } from '../../domain/session.ts';
import { kindOfToken } from '../../domain/tokens.ts';
import { CurfewError } from '../../errors.ts';
import { operation } from '../operation.ts';
import { presentEnd, presentReceipt, presentSession } from '../present.ts';
import {
  accessGroups,
  ending,
  maybe,
  oneOf,
  paging,
  Receipt,
  reason,
  ref,
  Session,
  type Static,
  sessionId,
  sort,
  Type,
  text,
  userId,
  wait,
  waiting,
} from '../schemas.ts';
import { endAnswer, endedMessage, pageOfSessions, toEnd } from './sessions.ts';

const tag = 'Sessions of a user';
const ofUser = Type.Object({ userId }, { additionalProperties: false });
const token = Type.String({
  maxLength: 256,
  description: 'A session token of the user, or the id of a session.',
  examples: ['cfs_…'],
});
const tokenOrId = Type.Object({ token }, { additionalProperties: false });
const ofUserInBody = Type.Object(
  { userId, token },
  { additionalProperties: false, examples: [{ userId: 'team/ada', token: 'cfs_…' }] },
);

/*
 * Each call with a user's id in its path has a twin with the id in the body (or, to list, `GET /v1/sessions` with
 * `user`): an id may contain what a proxy changes in a path, or be `.` or `..`, which no path can contain.
 */
const inBody =
  'For ids that cannot be part of a path, or that a proxy would change there, for instance because they contain a `/`.';

export const listUserSessions = operation({
  id: 'listUserSessions',
  method: 'GET',
  path: '/v1/users/:userId/sessions',
  tag,
  summary: 'List the sessions of a user',
  description: 'Complete, in any order. By default, only those that are active.',
  access: { permission: 'sessions.read', owner: ({ params }) => params.userId },
  params: ofUser,
  query: Type.Object(
    {
      filter: maybe(text(limits.filter, 'Free text.')),
      status: maybe(oneOf([...sessionStatuses, 'any'], { default: 'active' })),
      sort: maybe(sort),
      ...paging,
    },
    { additionalProperties: false },
  ),
  ...pageOfSessions,
  async handle({ authority, params, query }) {
    const { status = 'active', ...rest } = query;
    const list = await authority.listSessions({
      ...rest,
      user: params.userId,
      status: status === 'any' ? undefined : status,
    });
    return { ...list, sessions: list.sessions.map(presentSession) };
  },
});

const allEnded = {
  status: 200,
  description: 'The sessions have ended.',
  schema: Type.Object({
    success: Type.Boolean(),
    message: Type.String(),
    ended: Type.Integer({
      description: 'How many active sessions this call ended. Suspended ones end as well, and are not counted.',
    }),
    receipt: ref(Receipt),
  }),
} as const;
const toEndAll = 'They end in one step, however many there are; sessions that are being opened at this moment end too.';

export const endUserSessions = operation({
  id: 'endUserSessions',
  method: 'DELETE',
  path: '/v1/users/:userId/sessions',
  tag,
  summary: 'End all sessions of a user, or all but one',
  description: toEndAll,
  access: {
    ...toEnd,
    owner: ({ params }) => params.userId,
  },
  params: ofUser,
  query: Type.Object(
    { except: maybe(sessionId), wait: maybe(wait), reason: maybe(reason) },
    { additionalProperties: false },
  ),
  answer: allEnded,
  errors: ['user_id_too_long', 'session_not_found'],
  async handle({ authority, caller, params, query }) {
    return presentAll(await authority.endUserSessions(caller, params.userId, query));
  },
});

export const endSessionsOfUser = operation({
  id: 'endSessionsOfUser',
  method: 'POST',
  path: '/v1/sessions/end-user',
  tag,
  summary: 'End all sessions of a user, or all but one; the id is in the body',
  description: `${toEndAll} ${inBody}`,
  access: {
    ...toEnd,
    owner: ({ body }) => body.userId,
  },
  query: ending,
  body: Type.Object(
    { userId, except: maybe(sessionId) },
    { additionalProperties: false, examples: [{ userId: 'team/ada' }] },
  ),
  answer: allEnded,
  errors: ['user_id_too_long', 'session_not_found'],
  async handle({ authority, caller, body: { userId: user, except }, query }) {
    return presentAll(await authority.endUserSessions(caller, user, { except, ...query }));
  },
});

function presentAll({ ended, receipt }: { ended: number; receipt: Parameters<typeof presentReceipt>[0] }) {
  return { success: true, message: endedMessage(ended), ended, receipt: presentReceipt(receipt) };
}

const notTheirs = 'Another user’s session, an unknown one and an ended one all give `session_not_found`.';
const oneFound = { status: 200, description: 'The session.', schema: Type.Object({ session: ref(Session) }) } as const;

export const findUserSession = operation({
  id: 'findUserSession',
  method: 'POST',
  path: '/v1/users/:userId/sessions/find',
  tag,
  summary: 'Read one of a user’s sessions by its token or id',
  description: notTheirs,
  access: { permission: 'sessions.read', owner: ({ params }) => params.userId },
  params: ofUser,
  body: tokenOrId,
  answer: oneFound,
  errors: ['session_not_found', 'user_id_too_long'],
  async handle({ authority, params, body }) {
    return { session: presentSession(await authority.findUserSession(params.userId, body.token)) };
  },
});

export const findSessionOfUser = operation({
  id: 'findSessionOfUser',
  method: 'POST',
  path: '/v1/sessions/find',
  tag,
  summary: 'Read one of a user’s sessions by its token or id; the user’s id is in the body',
  description: `${notTheirs} ${inBody}`,
  access: { permission: 'sessions.read', owner: ({ body }) => body.userId },
  body: ofUserInBody,
  answer: oneFound,
  errors: ['session_not_found', 'user_id_too_long'],
  async handle({ authority, body }) {
    return { session: presentSession(await authority.findUserSession(body.userId, body.token)) };
  },
});

const endedOnce =
  'The check and the end are one step. If the session has ended already, this succeeds; an unknown session and another ' +
  'user’s give the same `session_not_found`.';
const oneEnded = { status: 200, description: 'The session has ended.', schema: endAnswer } as const;

export const endUserSession = operation({
  id: 'endUserSession',
  method: 'POST',
  path: '/v1/users/:userId/sessions/end',
  tag,
  summary: 'End one of a user’s sessions by its token or id',
  description: endedOnce,
  access: {
    ...toEnd,
    owner: ({ params }) => params.userId,
  },
  params: ofUser,
  query: ending,
  body: tokenOrId,
  answer: oneEnded,
  errors: ['session_not_found', 'user_id_too_long'],
  async handle({ authority, caller, params, body, query }) {
    return endOneOf(authority, caller, { userId: params.userId, token: body.token }, query);
  },
});

export const endSessionOfUser = operation({
  id: 'endSessionOfUser',
  method: 'POST',
  path: '/v1/sessions/end',
  tag,
  summary: 'End one of a user’s sessions by its token or id; the user’s id is in the body',
  description: `${endedOnce} ${inBody}`,
  access: {
    ...toEnd,
    owner: ({ body }) => body.userId,
  },
  query: ending,
  body: ofUserInBody,
  answer: oneEnded,
  errors: ['session_not_found', 'user_id_too_long'],
  async handle({ authority, caller, body, query }) {
    return endOneOf(authority, caller, body, query);
  },
});

async function endOneOf(
  authority: Authority,
  caller: Caller,
  { userId: user, token: named }: Static<typeof ofUserInBody>,
  query: Static<typeof ending>,
) {
  const ended = await authority.endUserSession(caller, user, named, query.wait, query.reason);
  return presentEnd(caller, ended, kindOfToken(named) === 'session');
}

const groupsOfAll =
  'Changes all of them, or the one that `sessionId` names: all or none. A group that is in both lists is present ' +
  'afterwards. `updated` is the number of sessions that were changed.';
const groups = { add: maybe(accessGroups), remove: maybe(accessGroups), sessionId: maybe(sessionId) };
const groupsChanged = {
  status: 200,
  description: 'The groups are changed.',
  schema: Type.Object({ updated: Type.Integer(), receipt: ref(Receipt) }),
} as const;
const groupsErrors = [
  'too_many_groups',
  'too_many_to_change',
  'missing_field',
  'session_not_found',
  'user_id_too_long',
  'clock_stepped_back',
] as const;

export const changeAccessGroups = operation({
  id: 'changeAccessGroups',
  method: 'POST',
  path: '/v1/users/:userId/access-groups',
  tag,
  summary: 'Add and remove access groups on a user’s sessions that have not ended',
  description: groupsOfAll,
  access: { permission: 'groups.change', person: 'second-factor' },
  guards: 'account',
  params: ofUser,
  query: waiting,
  body: Type.Object(groups, { additionalProperties: false, examples: [{ add: ['staff'] }] }),
  answer: groupsChanged,
  errors: groupsErrors,
  handle: ({ authority, caller, params, body, query }) =>
    changeGroups(authority, caller, params.userId, body, query.wait),
});

export const changeAccessGroupsOfUser = operation({
  id: 'changeAccessGroupsOfUser',
  method: 'POST',
  path: '/v1/sessions/access-groups',
  tag,
  summary: 'Add and remove access groups on a user’s sessions that have not ended; the user’s id is in the body',
  description: `${groupsOfAll} ${inBody}`,
  access: { permission: 'groups.change', person: 'second-factor' },
  guards: 'account',
  query: waiting,
  body: Type.Object(
    { userId, ...groups },
    { additionalProperties: false, examples: [{ userId: 'team/ada', add: ['staff'] }] },
  ),
  answer: groupsChanged,
  errors: groupsErrors,
  handle: ({ authority, caller, body: { userId: user, ...change }, query }) =>
    changeGroups(authority, caller, user, change, query.wait),
});

async function changeGroups(
  authority: Authority,
  caller: Caller,
  user: string,
  change: { add?: string[] | undefined; remove?: string[] | undefined; sessionId?: string | undefined },
  wait: Wait | undefined,
) {
  if (!change.add?.length && !change.remove?.length) {
    throw new CurfewError('missing_field', { detail: 'Send at least one group to add or to remove.' });
  }
  const { updated, receipt } = await authority.changeAccessGroups(caller, user, change, wait);
  return { updated, receipt: presentReceipt(receipt) };
}
