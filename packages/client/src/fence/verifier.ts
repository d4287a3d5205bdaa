import { CurfewApiError } from '../errors.ts';
import { type Credential, type FromNode, readFromNode } from '../protocol/index.ts';
import { type ActiveVerification, Attachment, errorOf, type Parting, type Stream, StreamLost } from './attachment.ts';
import type { Timing } from './timing.ts';

/** The result of a verification. `session` is frozen with all it has, and remains the same object until something changes. */
export type Verification = ActiveVerification | { readonly active: false; readonly reason: string };

export type VerifierStatistics = {
  /** Whether verifications can be answered from memory now. */
  leased: boolean;
  /** The node that it is attached to. */
  node: string | undefined;
  sessions: number;
  hits: number;
  misses: number;
  asked: number;
  /** The number of streams that were lost or given up. */
  reconnects: number;
};

/** `refused` instead of `close`: the stream never opened, for instance because nobody listens at the address. */
export type StreamEvents = { open(): void; message(text: string): void; close(): void; refused(): void };

/** Everything that a verifier needs from its surroundings. */
export type VerifierPorts = {
  timing: Timing;
  random(): number;
  /** A name for this process that nobody can guess. */
  holder: string;
  connect(url: string, events: StreamEvents): { send(text: string): void; close(): void };
  attach?: typeof newAttachment;
  /** Called once for each time that no server can be attached to, with the reason. */
  onUnavailable?: ((error: CurfewApiError) => void) | undefined;
  /** Called when a server is attached to again after that. */
  onAvailable?: (() => void) | undefined;
};

export type VerifierLimits = {
  urls: readonly string[];
  key: string;
  /** The name that people gave this verifier. */
  name?: string | undefined;
  /** The maximum number of cached sessions. */
  capacity: number;
  /** Milliseconds that a verification may take. */
  timeout: number;
};

/**
 * Milliseconds that attaching may take at least: it takes several exchanges, however soon a verification must end. With
 * several URLs it is also what the first attempt at each may take: while one server does not answer, another is tried
 * before a verification must end.
 */
const attaching = 2000;
const shortestPause = 50;
const longestPause = 2000;
/**
 * Attempts in a row that must fail before no server counts as reachable: each URL's, and not just one, because a load
 * balancer may have sent that to a server that was shutting down.
 */
const fewestAttempts = 3;

/**
 * The exact cache of an application: it answers from memory while its lease is valid and asks a node otherwise, so
 * every answer is certain. It attaches to any of several nodes, and to another when one is lost.
 */
export class Verifier {
  readonly #ports: VerifierPorts;
  readonly #limits: VerifierLimits;
  #attachment: Attachment | undefined;
  #connecting: { close(): void } | undefined;
  #ready = false;
  #closed = false;
  #turn: number;
  #failures = 0;
  /** Attempts in a row that did not lead to a lease, or of which the server ended the lease with a refusal. */
  #missed = 0;
  #isUnavailable = false;
  #reconnects = 0;
  #past = { hits: 0, misses: 0, asked: 0 };
  /** Why the last node refused this verifier, until a node accepts it. */
  #trouble: CurfewApiError | undefined;
  /** That the servers are known to refuse connections, until one accepts one: then nobody has to wait to find out. */
  #refusal: CurfewApiError | undefined;
  #waiting: Set<() => void> = new Set();
  #cancel: () => void = () => {};

  constructor(limits: VerifierLimits, ports: VerifierPorts) {
    this.#limits = limits;
    this.#ports = ports;
    this.#turn = Math.floor(ports.random() * limits.urls.length);
    this.#connect();
  }

  /** The hot path: what is known about a token or an alias now, without waiting; call `verify` if it is `undefined`. */
  check(credential: Credential): ActiveVerification | undefined {
    return this.#attachment?.cache.check(credential);
  }

  /**
   * Whether a token or an alias is valid now. If the servers are known to refuse connections, it throws at once.
   * @throws `CurfewApiError`: `unreachable`, `timeout`, `overloaded`, `verifier_closed`, or a node's error, such as
   *   `store_unavailable`
   */
  async verify(credential: Credential): Promise<Verification> {
    const known = this.check(credential);
    if (known) return known;
    const { timing } = this.#ports;
    const until = timing.mono() + this.#limits.timeout;
    for (;;) {
      const attachment = await this.#attached(until);
      try {
        const verdict = await attachment.verifyLeased(credential, until);
        return verdict.active ? verdict.value : verdict;
      } catch (error) {
        // Another node may be able to answer.
        if (!(error instanceof StreamLost) || timing.mono() >= until) throw asError(error);
      }
    }
  }

  /**
   * Resolves once verifications can be answered from memory. Waits for a server that is only starting.
   * @throws as {@link verify}
   */
  async ready(): Promise<void> {
    await this.#attached(this.#ports.timing.mono() + this.#limits.timeout, true);
  }

  statistics(): VerifierStatistics {
    const cache = this.#attachment?.cache;
    const now = cache?.statistics ?? { hits: 0, misses: 0, asked: 0 };
    return {
      leased: cache?.lease.valid ?? false,
      node: this.#ready ? this.#attachment?.node : undefined,
      sessions: cache?.sessions ?? 0,
      hits: this.#past.hits + now.hits,
      misses: this.#past.misses + now.misses,
      asked: this.#past.asked + now.asked,
      reconnects: this.#reconnects,
    };
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#attachment?.leave();
    this.#connecting?.close();
    this.#wake();
  }

  #connect(): void {
    if (this.#closed) return;
    const { urls, key, name, capacity } = this.#limits;
    const url = urls[this.#turn++ % urls.length]!;
    let attachment: Attachment | undefined;
    let over = false;
    const ended = (parting: Parting, refused = false) => {
      if (over) return;
      over = true;
      giveUp();
      this.#ended(parting, refused);
    };
    const giveUp = this.#ports.timing.after(
      this.#timeToAttach(),
      () => {
        if (this.#ready && this.#attachment === attachment) return;
        raw.close();
        if (attachment) attachment.end({ leaving: false });
        else ended({ leaving: false });
      },
      'background',
    );
    const raw = this.#ports.connect(url, {
      open: () => {
        if (over) return;
        this.#refusal = undefined;
        const stream: Stream = { send: (message) => raw.send(JSON.stringify(message)), close: () => raw.close() };
        attachment = (this.#ports.attach ?? newAttachment)({
          timing: this.#ports.timing,
          stream,
          key,
          holder: this.#ports.holder,
          name,
          capacity,
          patience: this.#limits.timeout,
          onReady: () => {
            giveUp();
            this.#ready = true;
            this.#failures = 0;
            this.#missed = 0;
            this.#trouble = undefined;
            this.#wake();
            this.#nowAvailable();
          },
          onEnd: ended,
        });
        this.#attachment = attachment;
      },
      message: (text) => {
        const message: FromNode | undefined = readFromNode(text);
        if (message) attachment?.receive(message);
      },
      close: () => {
        if (attachment) attachment.end({ leaving: false });
        else ended({ leaving: false });
      },
      refused: () => ended({ leaving: false }, true),
    });
    this.#connecting = raw;
  }

  /** Milliseconds that the next attempt may take: twice as many each time that all servers turned out to need longer. */
  #timeToAttach(): number {
    const { urls, timeout } = this.#limits;
    const most = Math.max(timeout, attaching);
    return urls.length === 1 ? most : Math.min(most, attaching * 2 ** Math.floor(this.#missed / urls.length));
  }

  #ended({ trouble, leaving }: Parting, refused: boolean): void {
    if (trouble || !this.#ready) this.#missed += 1;
    const unreached = this.#missed >= Math.max(fewestAttempts, this.#limits.urls.length);
    if (this.#attachment) {
      const { hits, misses, asked } = this.#attachment.statistics;
      this.#past.hits += hits;
      this.#past.misses += misses;
      this.#past.asked += asked;
    }
    this.#attachment = undefined;
    this.#connecting = undefined;
    this.#ready = false;
    this.#reconnects += 1;
    if (trouble) this.#trouble = errorOf(trouble);
    if (refused && unreached) this.#refusal ??= unreachable(this.#limits.urls);
    this.#wake();
    if (this.#closed) return;
    // All verifiers of a stopped node lose it at the same moment; they must not all reconnect at the same moment.
    const most = Math.min(longestPause, shortestPause * 2 ** this.#failures);
    this.#failures += 1;
    const pause = leaving ? this.#ports.random() * shortestPause : most * (0.5 + this.#ports.random() / 2);
    this.#cancel = this.#ports.timing.after(pause, () => this.#connect(), 'background');
    if (this.#refusedEverywhere() || unreached) this.#nowUnavailable();
  }

  /** Why a server refused this verifier, once each was tried: another one may accept it, unlike one whose store is down. */
  #refusedEverywhere(): CurfewApiError | undefined {
    return this.#missed >= this.#limits.urls.length ? this.#trouble : undefined;
  }

  /** Last in each step, because what it calls may throw. */
  #nowUnavailable(): void {
    if (this.#isUnavailable) return;
    this.#isUnavailable = true;
    this.#ports.onUnavailable?.(this.#trouble ?? unreachable(this.#limits.urls));
  }

  #nowAvailable(): void {
    if (!this.#isUnavailable) return;
    this.#isUnavailable = false;
    this.#ports.onAvailable?.();
  }

  async #attached(until: number, patient = false): Promise<Attachment> {
    const { timing } = this.#ports;
    for (;;) {
      if (this.#closed) throw new CurfewApiError('verifier_closed', 'The verifier was closed.');
      if (this.#attachment && this.#ready) return this.#attachment;
      const trouble = this.#refusedEverywhere();
      if (trouble) throw trouble;
      if (this.#refusal && !patient) throw this.#refusal;
      const left = until - timing.mono();
      if (left <= 0) throw this.#trouble ?? unreachable(this.#limits.urls);
      await new Promise<void>((resolve) => {
        const cancel = timing.after(left, () => wake());
        const wake = () => {
          cancel();
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

export function newAttachment(settings: ConstructorParameters<typeof Attachment>[0]): Attachment {
  return new Attachment(settings);
}

function asError(error: unknown): unknown {
  return error instanceof StreamLost ? unreachable() : error;
}

function unreachable(urls: readonly string[] = []): CurfewApiError {
  const where = urls.length > 0 ? ` at ${urls.join(', ')}` : '';
  return new CurfewApiError('unreachable', `No Curfew server could be reached${where}.`, {
    remedy:
      'Check the URL, whether the server runs, and whether every proxy in between forwards WebSockets: the headers ' +
      '`Upgrade` and `Connection`.',
  });
}
