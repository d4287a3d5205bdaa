import type { Kind } from '../kind.ts';
import { isObject, parseJson, timeOf } from '../source.ts';
import { readExpressSession, userOfPassport } from './express-session.ts';

export const connectRedis: Kind = {
  alias: 'express-session',
  user: userOfPassport,
  slides: true,
  redis: {
    prefix: 'sess:',
    read(text, ttl, now) {
      const json = parseJson(text);
      return readExpressSession(json, ttl === undefined ? cookieEnd(json) : now + ttl, now);
    },
  },
};

/** With `disableTTL` the key has no end of its own. */
function cookieEnd(json: unknown): number | undefined {
  return isObject(json) && isObject(json['cookie']) ? timeOf(json['cookie']['expires']) : undefined;
}
