import { createClient, ErrorReply } from '@redis/client';
import { CurfewError } from '../errors.ts';
import type { Kind, RedisFormat } from './kind.ts';
import { clientFor, decode, type Found, pieceSize, type Source, sha256, Unreadable } from './source.ts';

/** Milliseconds. */
const connectTimeout = 5000;

type Send = (...args: string[]) => Promise<unknown>;

/** @throws `import_option`, `source_unreachable`, `source_refused`, `source_unreadable` */
export async function openRedisSource(
  { url, shown }: { url: string; shown: string },
  kind: Kind,
  format: RedisFormat,
  prefix: string,
): Promise<Source> {
  const client = clientFor(shown, () =>
    createClient({
      url,
      socket: { connectTimeout, reconnectStrategy: false },
      // The client's own timeout would be a timer and a signal for each of millions of commands.
      commandOptions: { timeout: undefined } as object,
    }),
  );
  // Each command gets its own error.
  client.on('error', () => {});
  const send: Send = (...args) => client.sendCommand(args);
  try {
    await client.connect();
    return new RedisSource({ send, shown, about: Number(await send('DBSIZE')), end: () => client.destroy() }, kind, {
      ...format,
      prefix,
    });
  } catch (error) {
    if (client.isOpen) client.destroy();
    throw fault(error, shown);
  }
}

type Place = { send: Send; shown: string; about: number; end(): void };

/**
 * Goes through all keys with SCAN. A key that is there throughout comes at least once; one that comes twice is found to
 * be imported already.
 */
class RedisSource implements Source {
  readonly shown: string;
  readonly about: number;
  passedOver = 0;
  readonly notes: readonly string[] = [];
  readonly #place: Place;
  readonly #format: RedisFormat;
  readonly #hash: (key: string) => string;

  constructor(place: Place, { hash = sha256 }: Kind, format: RedisFormat) {
    this.shown = place.shown;
    this.about = place.about;
    this.#place = place;
    this.#hash = hash;
    this.#format = format;
  }

  async *pieces(): AsyncGenerator<readonly Found[]> {
    const { send, shown } = this.#place;
    const { prefix } = this.#format;
    try {
      for (let cursor = '0'; ; ) {
        const [next, all] = (await send('SCAN', cursor, 'COUNT', String(pieceSize))) as [string, string[]];
        const keys = all.filter((key) => key.startsWith(prefix) && key !== prefix);
        this.passedOver += all.length - keys.length;
        // Redis returns whole buckets, so there may be more keys than asked for.
        for (let from = 0; from < keys.length; from += pieceSize) {
          yield await this.#read(keys.slice(from, from + pieceSize));
        }
        if (next === '0') return;
        cursor = next;
      }
    } catch (error) {
      throw fault(error, shown);
    }
  }

  async #read(keys: readonly string[]): Promise<Found[]> {
    const { send } = this.#place;
    const [texts, ...ends] = await Promise.all([
      send('MGET', ...keys) as Promise<(string | null)[]>,
      ...keys.map((key) => send('PTTL', key) as Promise<number>),
    ]);
    const now = Date.now();
    const found = keys.flatMap((key, i) => {
      const [text, left] = [texts[i] ?? undefined, ends[i]!];
      // It has ended since it was listed.
      if (left === gone) return [];
      const ttl = left < 0 ? undefined : left;
      const secret = key.slice(this.#format.prefix.length);
      return decode(secret, this.#hash, () => {
        if (text === undefined) throw new Unreadable('not_a_session', 'Its key holds no text.');
        return this.#format.read(text, ttl, now);
      });
    });
    return this.#withoutEnded(found, now);
  }

  /** What another key says has ended has its end now. */
  async #withoutEnded(found: Found[], now: number): Promise<Found[]> {
    const { endings, prefix } = this.#format;
    if (!endings) return found;
    const keys = new Set<string>();
    const keyOf = (one: Found) => ('unreadable' in one ? undefined : endings.keyOf(one));
    for (const key of found.map(keyOf)) if (key !== undefined) keys.add(key);
    if (keys.size === 0) return found;
    const texts = (await this.#place.send('MGET', ...[...keys].map((key) => prefix + key))) as (string | null)[];
    const told = new Map([...keys].map((key, i) => [key, texts[i] ?? undefined]));
    return found.map((one) => {
      const text = told.get(keyOf(one) ?? '');
      return text !== undefined && !('unreadable' in one) && endings.hasEnded(one, text)
        ? { ...one, expiresAt: now }
        : one;
    });
  }

  async close(): Promise<void> {
    this.#place.end();
  }
}

/** What PTTL says of a key that does not exist. */
const gone = -2;

function fault(error: unknown, shown: string): CurfewError {
  const { message, code } = error as Error & { code?: string };
  const said = message || code || 'no answer';
  const detail = `${shown}: ${said.replace(/\.$/, '')}.`;
  if (!(error instanceof ErrorReply)) return new CurfewError('source_unreachable', { detail }, error);
  if (/^(NOAUTH|WRONGPASS|NOPERM)|invalid password|AUTH/.test(said)) {
    return new CurfewError('source_refused', { detail }, error);
  }
  const remedy = /^(MOVED|CROSSSLOT)/.test(said)
    ? 'It is a Redis Cluster, which is not read: copy the keys to a single Redis, and import from that.'
    : 'Check the number of the database in --from or CURFEW_IMPORT_FROM, and that the server is a Redis with the commands SCAN, MGET and PTTL.';
  return new CurfewError('source_unreadable', { detail, remedy }, error);
}
