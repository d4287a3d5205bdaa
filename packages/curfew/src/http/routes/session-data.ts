import { limits } from '../../domain/limits.ts';
import { operation } from '../operation.ts';
import { presentReceipt, presentShown } from '../present.ts';
import {
  aliasKindText,
  hashedAlias,
  idle,
  maybe,
  paging,
  Receipt,
  ref,
  ShownSession,
  sessionId,
  Type,
  text,
  userId,
} from '../schemas.ts';
import { toOpen } from './sessions.ts';

const tag = 'Sessions';
const data = Type.String({
  maxLength: limits.dataBytes,
  'x-codes': { maxLength: 'session_data_too_large' },
  description: `Text of the application's own, such as JSON without line breaks: at most ${limits.dataBytes.toLocaleString('en')} bytes.`,
  examples: ['{"cookie":{},"cart":[7]}'],
});

export const keepSessionData = operation({
  id: 'keepSessionData',
  method: 'PUT',
  path: '/v1/sessions/data',
  tag,
  summary: 'Keep data with the session of an alias',
  description:
    'Opens the session if no session has the alias. Once this has answered, no verification by the alias gets the earlier ' +
    'data. Data of another user is refused; data without a user, for the session of one, ends it.',
  // It can end sessions, as those that open some do.
  access: toOpen,
  // A quote or a backslash is two characters in the body.
  bodyBytes: 2 * limits.dataBytes + 16_384,
  body: Type.Object(
    {
      alias: hashedAlias,
      userId: maybe(userId),
      data,
      idle: maybe(idle),
      userAgent: maybe(Type.String({ maxLength: 8192, description: 'The `User-Agent` of the device.' })),
      ip: maybe(text(64, 'The address of the device.', { examples: ['203.0.113.7'] })),
      existing: maybe(Type.Boolean({ description: 'Refuse instead of opening a session.' })),
      seen: maybe(
        Type.String({
          pattern: '^[A-Za-z0-9_-]{43}$',
          description:
            'The SHA-256, in base64url without padding, of the data that this is to replace. If the session has other data by ' +
            'now, that stays, and the call only counts as activity. No session is opened.',
          examples: ['jZae727K08KaOmKSgOaGzww_XVqGr_PKEgIMkjrcbJI'],
        }),
      ),
    },
    { additionalProperties: false },
  ),
  answer: {
    status: 200,
    description: 'The session; and the receipt, if something has changed or ended.',
    schema: Type.Object({ session: ref(ShownSession), receipt: maybe(ref(Receipt)) }),
  },
  errors: [
    'session_data_too_large',
    'session_user_changed',
    'alias_unknown',
    'session_ended',
    'session_suspended',
    'session_not_found',
    'user_id_too_long',
    'too_many_sessions',
    'account_disabled',
    'signed_out_meanwhile',
    'changed_meanwhile',
    'clock_stepped_back',
  ],
  async handle({ authority, caller, body }) {
    const { session, receipt } = await authority.keepSessionData(caller, {
      ...body,
      idle: body.idle && body.idle * 1000,
    });
    return { session: presentShown(caller, session), ...(receipt && { receipt: presentReceipt(receipt) }) };
  },
});

export const listSessionData = operation({
  id: 'listSessionData',
  method: 'GET',
  path: '/v1/sessions/data',
  tag,
  summary: 'List the data of the sessions that have an alias of a kind',
  description: 'Active sessions, newest first. A page may be empty and yet have a next one.',
  access: { permission: 'sessions.create', and: 'sessions.read' },
  query: Type.Object({ kind: aliasKindText, ...paging }, { additionalProperties: false }),
  answer: {
    status: 200,
    description: 'A page.',
    schema: Type.Object({
      sessions: Type.Array(
        Type.Object({
          id: sessionId,
          userId,
          data,
          idle: Type.Number({
            description: 'Seconds without activity after which the session ends.',
            examples: [3600],
          }),
        }),
      ),
      nextCursor: maybe(Type.String({ description: 'For the next page; absent on the last.' })),
    }),
  },
  errors: ['limit_out_of_range', 'cursor_invalid', 'cursor_of_another_query'],
  async handle({ authority, query }) {
    const { sessions, nextCursor } = await authority.listSessionData(query);
    return {
      sessions: sessions.map(({ session: { id, userId: user }, data: kept, idle: milliseconds }) => ({
        id,
        userId: user,
        data: kept,
        idle: milliseconds / 1000,
      })),
      nextCursor,
    };
  },
});
