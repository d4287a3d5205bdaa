import { type AliasCredential, isAliasKind } from '../protocol/index.ts';
import { type AnyRequest, cookiesNamed } from './request.ts';

/** A cookie that another program gave to browsers, whose secret is an alias of a session. */
export type OldCookie = {
  /** The name of the cookie, such as `connect.sid`. */
  cookie: string;
  /** The kind of the aliases, such as `express-session`. */
  kind: string;
  /**
   * The secrets with which the program signed it, if it did: the value then ends with the HMAC-SHA256 of what is before
   * it, in base64 after a dot. `express-session`, `@fastify/session` and Better Auth sign like that; Django, Lucia and
   * Auth.js do not. Any of several secrets counts. Without the right signature a cookie is not looked up.
   * For a cookie that was not signed, leave this out: `undefined` is refused, because a missing environment variable
   * would otherwise switch the check off.
   */
  secrets?: string | readonly string[] | undefined;
  /**
   * Whether a cookie of Curfew replaces it at the first visit; false by default. It requires `client`, whose key needs
   * `sessions.create` for that.
   */
  replace?: boolean | undefined;
};

/** What an old cookie of a request stands for. `setting`: where it is from. */
export type OldCredential = AliasCredential & { readonly setting: OldCookie };

/** The old cookies that an application still accepts. */
export class OldCookies {
  readonly #settings: readonly OldCookie[];
  readonly #keys: Map<string, ReturnType<typeof crypto.subtle.importKey>> = new Map();

  /** @throws `RangeError` if a setting is unusable */
  constructor(settings: OldCookie | readonly OldCookie[] | undefined) {
    this.#settings = settings === undefined ? [] : 'cookie' in settings ? [settings] : settings;
    for (const setting of this.#settings) {
      const { cookie, kind, secrets } = setting;
      if (cookie === '') throw new RangeError('an old cookie must have a name');
      if (!isAliasKind(kind)) throw new RangeError(`the kind of the old cookie ${cookie} is ${JSON.stringify(kind)}`);
      if (!('secrets' in setting)) continue;
      const given: readonly unknown[] = [secrets].flat();
      if (given.length > 0 && given.every((secret) => typeof secret === 'string' && secret !== '')) continue;
      throw new RangeError(
        `the secrets of the old cookie ${cookie} are undefined or empty, or one of them is: is an environment variable missing? ` +
          'For a cookie that is not signed, leave `secrets` out.',
      );
    }
  }

  get names(): readonly string[] {
    return this.#settings.map(({ cookie }) => cookie);
  }

  get replacesAny(): boolean {
    return this.#settings.some(({ replace }) => replace);
  }

  /** Whether a request carries any. */
  isIn(request: AnyRequest): boolean {
    return this.#settings.some(({ cookie }) => cookiesNamed(request, cookie).length > 0);
  }

  /** Those of a request that have the form and the signature of their program, in the order in which they are sent. */
  async of(request: AnyRequest): Promise<OldCredential[]> {
    const found: OldCredential[] = [];
    for (const setting of this.#settings) {
      for (const value of cookiesNamed(request, setting.cookie)) {
        const secret = await this.#secretIn(value, setting);
        if (secret) found.push({ alias: { kind: setting.kind, secret }, setting });
      }
    }
    return found;
  }

  async #secretIn(value: string, { secrets }: OldCookie): Promise<string | undefined> {
    const text = decoded(value);
    if (secrets === undefined || text === undefined) return text;
    // Express marks signed values.
    const signed = text.startsWith('s:') ? text.slice(2) : text;
    const dot = signed.lastIndexOf('.');
    const signature = dot > 0 ? bytesOf(signed.slice(dot + 1)) : undefined;
    if (!signature) return undefined;
    const secret = signed.slice(0, dot);
    for (const key of [secrets].flat()) {
      // Compares in constant time.
      if (await crypto.subtle.verify('HMAC', await this.#keyOf(key), signature, encode(secret))) return secret;
    }
    return undefined;
  }

  #keyOf(secret: string): ReturnType<typeof crypto.subtle.importKey> {
    const known = this.#keys.get(secret);
    if (known) return known;
    const key = crypto.subtle.importKey('raw', encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
    this.#keys.set(secret, key);
    return key;
  }
}

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The value of a cookie without its percent signs; `undefined` if they encode nothing. */
function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

/** The bytes of base64, with or without padding. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (digit) => digit.charCodeAt(0));
  } catch {
    return undefined;
  }
}
