import Type from 'typebox';

/*
 * The shapes of this dialect's answers. The answers are serialized with them, so nothing outside a shape is sent: no
 * login token except that of a sign-in, and no hash.
 */

const success = Type.Literal(true);
const time = Type.String({ format: 'date-time' });

const user = {
  _id: Type.String(),
  username: Type.String(),
  name: Type.String(),
  emails: Type.Array(Type.Object({ address: Type.String(), verified: Type.Boolean() })),
  email: Type.Optional(Type.String()),
  roles: Type.Array(Type.String()),
  active: Type.Boolean(),
  status: Type.String(),
  statusConnection: Type.String(),
  avatarUrl: Type.String(),
  isOAuthUser: Type.Boolean(),
  settings: Type.Object({
    profile: Type.Object({}),
    preferences: Type.Object({}),
    calendar: Type.Object({}),
  }),
  services: Type.Object({
    password: Type.Object({ exists: Type.Boolean() }),
    totp: Type.Optional(Type.Object({ enabled: Type.Boolean() })),
  }),
  createdAt: Type.Optional(time),
  _updatedAt: Type.Optional(time),
  lastLogin: Type.Optional(time),
};

const session = {
  _id: Type.String(),
  sessionId: Type.String(),
  userId: Type.String(),
  device: Type.Object({
    type: Type.String(),
    name: Type.String(),
    longVersion: Type.String(),
    version: Type.String(),
    os: Type.Object({ name: Type.String(), version: Type.Optional(Type.String()) }),
  }),
  host: Type.String(),
  ip: Type.String(),
  loginAt: time,
  current: Type.Optional(success),
};

const populated = { ...session, _user: Type.Object({ name: Type.String(), username: Type.String() }) };

const page = {
  total: Type.Integer(),
  count: Type.Integer(),
  offset: Type.Integer(),
  partial: Type.Optional(Type.Boolean()),
  success,
};

export const answers = {
  login: Type.Object({
    status: Type.Literal('success'),
    data: Type.Object({ userId: Type.String(), authToken: Type.String(), me: Type.Object(user) }),
    success,
  }),
  logout: Type.Object({
    status: Type.Literal('success'),
    data: Type.Object({ message: Type.String() }),
    success,
  }),
  me: Type.Object({ ...user, success }),
  session: Type.Object({ ...session, success }),
  populated: Type.Object({ ...populated, success }),
  page: Type.Object({ sessions: Type.Array(Type.Object(session)), ...page }),
  populatedPage: Type.Object({ sessions: Type.Array(Type.Object(populated)), ...page }),
  ended: Type.Object({ sessionId: Type.String(), success }),
  userEnded: Type.Object({ message: Type.String(), success }),
  othersEnded: Type.Object({ token: Type.String(), tokenExpires: time, success }),
} as const;

/** Every refusal; its fields depend on the kind of refusal. */
export const refusal = Type.Object({
  success: Type.Literal(false),
  status: Type.Optional(Type.String()),
  error: Type.String(),
  message: Type.Optional(Type.String()),
  errorType: Type.Optional(Type.String()),
  details: Type.Optional(
    Type.Object({
      method: Type.String(),
      codeGenerated: Type.Boolean(),
      availableMethods: Type.Optional(Type.Array(Type.String())),
    }),
  ),
});
