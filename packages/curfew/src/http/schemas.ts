import { aliasKind, longestAliasSecret } from 'curfew-client/protocol';
import Type, { type Static, type TSchema } from 'typebox';
import { sortKeys } from '../authority/list-sessions.ts';
import { eventTypes } from '../domain/events.ts';
import { limits } from '../domain/limits.ts';
import { permissions, roleNames } from '../domain/permissions.ts';
import { endReasons, toldReasons } from '../domain/reasons.ts';
import { sessionStatuses } from '../domain/session.ts';
import { type ErrorCode, errors } from '../errors.ts';
import { verdicts } from './readiness.ts';

/*
 * The shapes of the API, from which the TypeScript types, validation, serialization and the OpenAPI document derive.
 * `x-codes` gives, for a bound, the error for a value outside it.
 */

const oneOf = <const Value extends string>(values: readonly Value[], options: object = {}) =>
  Type.Unsafe<Value>({ type: 'string', enum: [...values], ...options });

/** A field that may be absent; if it is, the JSON leaves it out. */
const maybe = <Schema extends TSchema>(schema: Schema) => Type.Optional(schema);

const text = (maxLength: number, description: string, options: object = {}) =>
  Type.String({ maxLength, description, ...options });

const time = (description: string) => Type.String({ format: 'date-time', description });

export const userId = text(limits.userIdBytes, "The application's own id for a user: 1 to 255 bytes.", {
  minLength: 1,
  'x-codes': { maxLength: 'user_id_too_long' },
  examples: ['ada'],
});
export const sessionId = text(64, 'The id of a session.', { examples: ['0V7oZk3H8e9Jb2Yw4tQxLm'] });
export const accessGroups = Type.Array(text(limits.groupBytes, 'An access group.'), {
  maxItems: limits.groupsPerSession,
  'x-codes': { maxItems: 'too_many_groups' },
  description: 'Keys that decide what the session may reach: at most 100.',
  examples: [['staff', 'billing']],
});
export const sessionName = text(limits.sessionName, 'A unique name.', { examples: ['front-desk'] });
/** Any name of a value in JSON: without the pattern, what is written out would lack those that contain a line break. */
export const anyName = Type.String({ pattern: '^[\\s\\S]*$' });
export const metadata = Type.Record(anyName, Type.Unknown(), {
  description: 'JSON of your own, at most 4,096 bytes.',
});
export const aliasKindText = Type.String({
  pattern: aliasKind.source,
  description: 'The program that issued the secret: 1 to 32 characters of `a-z 0-9 -`, beginning with a letter.',
  examples: ['django'],
});
export const hashedAlias = Type.Object(
  {
    kind: aliasKindText,
    hash: Type.String({
      pattern: '^[A-Za-z0-9_-]{43}$',
      description: 'The SHA-256 of the secret in base64url, without padding.',
      examples: ['jZae727K08KaOmKSgOaGzww_XVqGr_PKEgIMkjrcbJI'],
    }),
  },
  { additionalProperties: false },
);
export const aliases = Type.Array(hashedAlias, {
  maxItems: limits.aliasesPerSession,
  description: 'Secrets of another program by which the session can be verified too, such as ids in old cookies.',
});
export const alias = Type.Object(
  {
    kind: aliasKindText,
    secret: Type.String({
      minLength: 1,
      maxLength: longestAliasSecret,
      description: 'The secret itself, such as the id in an old cookie.',
      examples: ['k3v0dd1l5mgpsz0a5fjz2mwyo4gk5t7u'],
    }),
  },
  { additionalProperties: false, description: 'A secret that another program issued.' },
);
/** Seconds in the API, milliseconds inside. */
const seconds = (description: string) => Type.Integer({ minimum: 1, maximum: 10 * 365 * 86_400, description });
export const lifetime = seconds('Seconds after which the session ends in any case; at most what the policy allows.');
export const idle = seconds('Seconds without activity after which the session ends; at most what the policy allows.');

export const limit = Type.Integer({
  minimum: 1,
  maximum: limits.pageMax,
  default: limits.pageDefault,
  description: 'Items per page: 1 to 100.',
  'x-codes': { minimum: 'limit_out_of_range', maximum: 'limit_out_of_range' },
});
export const cursor = Type.String({ maxLength: 1024, description: '`nextCursor` of the previous page.' });
export const paging = { limit: maybe(limit), cursor: maybe(cursor) };

export const wait = oneOf(['everywhere', 'stored'], {
  default: 'everywhere',
  description: 'Answer once the change is in force everywhere (the promise), or as soon as it is stored.',
});
export const waiting = Type.Object({ wait: maybe(wait) }, { additionalProperties: false });
export const reason = oneOf(toldReasons, {
  description:
    'Why the application ends the session for its user; only for API keys. By default, the reason follows from who ends ' +
    'the session.',
});
/** Options of every operation that ends a user's sessions. */
export const ending = Type.Object({ wait: maybe(wait), reason: maybe(reason) }, { additionalProperties: false });

export const Device = Type.Object(
  {
    type: Type.String({ description: '`browser`, `mobile`, `tablet`, `program`, `unknown`, …' }),
    name: maybe(Type.String()),
    version: maybe(Type.String()),
    longVersion: maybe(Type.String()),
    os: maybe(Type.Object({ name: Type.String(), version: maybe(Type.String()) })),
    model: maybe(Type.String()),
  },
  { $id: 'Device', description: 'What the user agent reveals about the device.' },
);

export const Session = Type.Object(
  {
    id: sessionId,
    userId,
    name: maybe(sessionName),
    status: oneOf(sessionStatuses, {
      description: '`suspended`: kept, but not valid for now. `ended`: never valid again.',
    }),
    accessGroups: Type.Array(Type.String()),
    device: Device,
    userAgent: maybe(Type.String()),
    ip: maybe(Type.String()),
    createdAt: time('When it was opened.'),
    authenticatedAt: time('When its user last signed in to it.'),
    lastSeenAt: time('When it was last verified, to the minute.'),
    expiresAt: time('When it ends at the latest.'),
    idleExpiresAt: time('When it ends without further activity.'),
    metadata,
    endedAt: maybe(time('When it ended.')),
    endedBy: maybe(Type.String({ description: '`user:…`, `key:…`, `policy` or `library`.' })),
    endReason: maybe(oneOf(endReasons)),
    version: Type.Integer({ description: 'Grows with every change.' }),
  },
  { $id: 'Session', description: 'A signed-in device of a user.' },
);

/** What every caller gets of a session that it has changed or ended; see authority/sight.ts. */
const shownToAll = ['id', 'name', 'status', 'endedAt', 'endReason'] as const;
export const ShownSession = Type.Object(
  {
    ...Type.Pick(Session, shownToAll).properties,
    ...Type.Partial(Type.Omit(Session, shownToAll)).properties,
  },
  {
    $id: 'ShownSession',
    description:
      'A session as far as the caller may see it: all of it with `sessions.read`, if it is one’s own, or if the call was made ' +
      'with its token, refresh token or alias. Otherwise only the required fields, `name`, `endedAt` and `endReason`.',
  },
);

export const Receipt = Type.Object(
  {
    sequence: Type.Integer({ description: "The change's position in the change log." }),
    endedAt: maybe(time('When the session ended or the key was revoked: the first time, if that had happened before.')),
    changedAt: maybe(time('When the change was made.')),
    everywhere: Type.Boolean({
      description: 'True: no verification that begins from now on, on any machine, answers with the earlier state.',
    }),
    by: oneOf(['acks', 'timeout'], { description: 'Every holder acknowledged, or their leases ran out.' }),
    verifiers: Type.Object({
      acknowledged: Type.Integer(),
      expired: Type.Integer(),
      waitedFor: Type.Optional(
        Type.Array(Type.String(), { description: 'The names of verifiers whose leases ran out before they answered.' }),
      ),
    }),
    nodes: Type.Object({ applied: Type.Integer(), expired: Type.Integer() }),
    waitedMs: Type.Integer({ description: 'Milliseconds that the answer waited for this.' }),
  },
  { $id: 'Receipt', description: 'What is known about an end or another change.' },
);

export const Account = Type.Object(
  {
    id: Type.String(),
    username: Type.String(),
    email: maybe(Type.String()),
    pendingEmail: maybe(
      Type.String({ description: 'An address that the owner has set and nobody has confirmed yet.' }),
    ),
    name: maybe(Type.String()),
    roles: Type.Array(oneOf(roleNames)),
    permissions: Type.Array(oneOf(permissions)),
    disabled: Type.Boolean(),
    totp: Type.Boolean({ description: 'Whether a second factor is enrolled.' }),
    backupCodesLeft: Type.Integer(),
    createdAt: time('When it was created.'),
    updatedAt: time('When it was last changed.'),
    lastLoginAt: maybe(time('When somebody last signed in to it.')),
    version: Type.Integer(),
  },
  { $id: 'Account', description: 'An account with which somebody can sign in.' },
);

export const ApiKey = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    scopes: Type.Array(oneOf(permissions)),
    createdAt: time('When it was created.'),
    createdBy: Type.String(),
    revokedAt: maybe(time('When it was revoked.')),
    lastUsedAt: maybe(
      time('When it was last used, to the hour; absent if never. A verifier uses its key when it attaches.'),
    ),
  },
  { $id: 'ApiKey', description: "A machine's credential; its token is shown once, when the key is created." },
);

export const NamedSession = Type.Object(
  {
    name: sessionName,
    status: oneOf(['working', 'waiting', 'stopped'], {
      description:
        '`working`: it has a session. `waiting`: it has none yet. `stopped`: its session is suspended, but kept.',
    }),
    config: Type.Record(anyName, Type.Unknown()),
    session: maybe(Session),
    createdAt: time('When it was created.'),
    updatedAt: time('When it was last changed.'),
  },
  { $id: 'NamedSession', description: 'A slot with a unique name, which outlives the sessions in it.' },
);

const namedShownToAll = ['name', 'status'] as const;
export const ShownNamedSession = Type.Object(
  {
    ...Type.Pick(NamedSession, namedShownToAll).properties,
    ...Type.Partial(Type.Omit(NamedSession, namedShownToAll)).properties,
  },
  {
    $id: 'ShownNamedSession',
    description:
      'A named session as far as the caller may see it: all of it with `sessions.read`. Otherwise only the required fields, ' +
      'and `session` if it is one’s own.',
  },
);

export const Event = Type.Object(
  {
    sequence: Type.Integer({ description: 'Its position in the audit trail.' }),
    type: oneOf(eventTypes),
    at: time('When it happened.'),
    by: Type.String({ description: 'Who did it: `user:…`, `key:…`, `policy` or `library`.' }),
    userId: maybe(Type.String()),
    sessionId: maybe(Type.String()),
    reason: maybe(oneOf(endReasons)),
    details: maybe(Type.Record(anyName, Type.Unknown())),
  },
  { $id: 'Event', description: 'Something that happened.' },
);

export const Problem = Type.Object(
  {
    type: Type.String({ description: '`urn:curfew:error:` and the code.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: oneOf(Object.keys(errors) as ErrorCode[]),
    detail: maybe(Type.String({ description: 'What was wrong in this case.' })),
    remedy: Type.String({ description: 'What to do about it.' }),
    instance: Type.String({ description: 'The id of the request, as in the log.' }),
    errors: maybe(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
    methods: maybe(
      Type.Array(Type.String(), { description: 'Second factors that can be used; if empty, enrol one first.' }),
    ),
    reason: maybe(Type.String({ description: 'Why the session ended.' })),
  },
  { $id: 'Problem', description: 'An error, as defined by RFC 9457.' },
);

const check = (description: string) =>
  Type.Object(
    {
      ok: Type.Boolean(),
      detail: maybe(Type.String({ description: 'What is wrong.' })),
      remedy: maybe(Type.String({ description: 'What to do about it, if that is known.' })),
      since: maybe(time('Since when it has failed.')),
    },
    { description },
  );

export const readiness = Type.Object({
  status: oneOf(verdicts, {
    description:
      '`degraded`: it verifies, but cannot write. `unready`: it cannot verify, or is still starting. `draining`: it is about to shut down.',
  }),
  checks: Type.Object({
    storeRead: check('The store can be read.'),
    storeWrite: check('The store accepts writes: a trial succeeds, and none has failed or been delayed recently.'),
    lease: check('The server holds its lease on the store, without which it cannot verify.'),
    clock: check("The server's clock can be trusted."),
    serving: check('The server has started, and is not about to shut down.'),
  }),
});

/** Shapes with a name in the OpenAPI document; all others are inline. */
export const components = [
  Device,
  Session,
  ShownSession,
  Receipt,
  Account,
  ApiKey,
  NamedSession,
  ShownNamedSession,
  Event,
  Problem,
] as const;

/** A reference to a named shape. */
export const ref = <Schema extends TSchema & { $id?: string }>(schema: Schema) =>
  Type.Unsafe<Static<Schema>>({ $ref: `${(schema as { $id: string }).$id}#` });

export const tokens = {
  token: Type.String({ description: 'The session token. Shown once.', examples: ['cfs_…'] }),
  refreshToken: Type.String({ description: 'The refresh token. Shown once.', examples: ['cfr_…'] }),
};

export const sort = oneOf(
  sortKeys.flatMap((key) => [key, `-${key}` as const]),
  { default: '-createdAt', description: 'The order; `-` means descending.' },
);

export type { Static, TSchema };
export { maybe, oneOf, Type, text, time };
