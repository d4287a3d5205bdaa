import type { Kind } from '../kind.ts';
import { parseJson } from '../source.ts';
import { readExpressSession, userOfPassport } from './express-session.ts';

export const connectPgSimple: Kind = {
  alias: 'express-session',
  user: userOfPassport,
  slides: true,
  postgres: {
    table: 'session',
    secret: 'sid',
    expires: 'expire',
    content: 'sess',
    // It writes them with `to_timestamp`.
    zoneOfServer: true,
    read: ({ content, times }, now) => readExpressSession(parseJson(content), times.expiresAt, now),
  },
};
