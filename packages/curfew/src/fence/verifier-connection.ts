import {
  type Credential,
  type FromNode,
  type FromVerifier,
  idOf,
  protocolVersion,
  readFromVerifier,
} from 'curfew-client/protocol';
import type { VerifiedToken } from '../authority/verification.ts';
import type { SessionId } from '../domain/brand.ts';
import { CurfewError } from '../errors.ts';
import { answerOf, troubleOf } from './answers.ts';
import { Concern, type Subject } from './concern.ts';
import { OutstandingGrants } from './outstanding-grants.ts';
import type { Admitted, FencePorts, StreamHandler, VerifierStream } from './ports.ts';
import { Told } from './told.ts';

/** What a node provides to its connections. */
export type Host = {
  readonly ports: FencePorts;
  readonly id: string;
  /** Resolves once the start of the tail is known (R5). */
  readonly started: Promise<void>;
  /** Whether the node is releasing its verifiers. */
  readonly leaving: boolean;
  /** Whether the node was discarded. */
  readonly over: boolean;
  /** The newest change that is queued on every stream. */
  readonly tail: number;
  /** Milliseconds left of the node's own lease. */
  leaseLeft(): number;
  /** Milliseconds that a verifier may be granted: never more than what is left of the node's own lease (R3). */
  lendable(connection: VerifierConnection): number;
  /** Resolves when the node holds a lease. @throws `store_unavailable` if it gets none in time */
  leased(): Promise<void>;
  /** Called when the store is about to be asked about a stream's key. @throws `too_many_streams` of its network */
  admitting(connection: VerifierConnection): void;
  /** Called when a stream's key may attach. @throws `too_many_streams` of its key */
  welcomed(connection: VerifierConnection): void;
  /** `changes`: those that were outstanding on the stream until now. */
  acknowledged(connection: VerifierConnection, changes: readonly number[]): void;
  ended(connection: VerifierConnection, dropped: boolean): void;
};

/** Bytes that may wait on a stream; a verifier that is further behind is cut off (R7) and starts over. */
const mostQueued = 4 * 1024 * 1024;
const mostOpen = 1024;

/** A verifier as its node sees it: one stream, from its hello to its end. */
export class VerifierConnection implements StreamHandler {
  readonly #host: Host;
  readonly #stream: VerifierStream;
  /**
   * This stream's number, in the order in which the node accepted its streams. A verifier opens a stream only after it
   * has left the previous one, so its later streams have higher numbers, even if its messages on them arrive late.
   */
  readonly opened: number;
  /** Who holds the leases: a process together with its key. The same process with another key is another holder. */
  holder = '';
  /** The verifier's name for people. */
  name: string | undefined;
  /** The key with which the stream was opened. */
  #key: Admitted | undefined;
  /** Keys that were revoked while the store was asked about this stream's. */
  readonly #revoked: Set<string> = new Set();
  #state: 'new' | 'admitting' | 'open' | 'over' = 'new';
  /** A renewal that waits for the node's own lease; only the newest is kept. */
  #wanted: number | undefined;
  #sent = 0;
  /** Whether its key was revoked: then the only message that counts is that it has dropped everything. */
  #parting = false;
  readonly #told: Told = new Told();
  readonly outstanding: OutstandingGrants = new OutstandingGrants();
  readonly #concern: Concern = new Concern();

  constructor(host: Host, stream: VerifierStream, opened: number) {
    this.#host = host;
    this.#stream = stream;
    this.opened = opened;
  }

  get keyId(): string {
    return this.#key?.id ?? '';
  }

  get key(): Admitted {
    return this.#key ?? { id: '', name: '' };
  }

  get network(): string {
    return this.#stream.network;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  receive(text: string): void {
    if (this.#state === 'over' && !this.#parting) return;
    const message = readFromVerifier(text);
    if (this.#parting) {
      this.#hearLast(message);
      return;
    }
    if (!message) this.#breach('The verifier sent something that is not a message of the protocol.');
    else if (this.#state === 'new' && message.type === 'hello') void this.#admit(message);
    else if (this.#state === 'open' && message.type !== 'hello') this.#hear(message);
    else this.#breach(`A ${message.type} came at the wrong time.`);
  }

  closed(): void {
    this.#end(false);
  }

  /** Queues changes, which were serialized once for all streams. */
  tell(text: string, last: number): void {
    this.#sent = last;
    this.#stream.sendText(text);
    this.#cutIfBehind();
  }

  /** Whether its holder may know what a change affects (R22): it was told of it, or has an open question about it. */
  isConcernedBy(subject: Subject): boolean {
    return this.#concern.includes(subject);
  }

  /** Notes a key that was revoked while the store is asked about this stream's: the answer may be older. */
  noteRevoked(id: string): void {
    this.#revoked.add(id);
  }

  /**
   * Ends the stream because its key was revoked (R23): the last message it gets is a change of everything, and its
   * questions are no longer answered. Its leases count as before, unless it confirms that it has dropped everything.
   */
  letGo(last: number): void {
    this.#sent = last;
    this.#stream.send({ type: 'changes', changes: [{ sequence: last, all: true }] });
    this.#refuse(new CurfewError('key_revoked', { detail: `The key is named ${this.#key?.name}.` }));
    this.#parting = true;
  }

  /** Grants the requested lease, within the node's own lease. */
  grantWanted(): void {
    const ask = this.#wanted;
    if (ask === undefined || this.#state !== 'open') return;
    const { ports, tail } = this.#host;
    const length = Math.floor(this.#host.lendable(this));
    if (length <= 0) return;
    this.#wanted = undefined;
    this.outstanding.grant(tail, length, ports.timing.mono());
    this.#send({ type: 'grant', ask, length, now: ports.now() });
  }

  sayLeaving(): void {
    if (this.#state === 'open') this.#stream.send({ type: 'leaving' });
  }

  /** Cuts the stream; its leases stay outstanding. */
  cut(): void {
    this.#end(false);
  }

  async #admit({ version, key, holder, name }: Extract<FromVerifier, { type: 'hello' }>): Promise<void> {
    this.#state = 'admitting';
    try {
      if (version !== protocolVersion) {
        throw new CurfewError('fence_version', {
          detail: `The verifier speaks version ${version}; this server speaks ${protocolVersion}.`,
        });
      }
      // R5: no change would ever be sent for what was read before the tail begins.
      await this.#host.started;
      if (this.#isOver()) return;
      this.#host.admitting(this);
      do {
        this.#revoked.clear();
        this.#key = await this.#host.ports.admit(key);
      } while (this.#revoked.has(this.#key.id));
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#isOver()) return;
    if (this.#host.over || this.#host.leaving) {
      this.#end(false);
      return;
    }
    const { ports, id, tail } = this.#host;
    this.holder = `${this.keyId} ${holder}`;
    this.name = name;
    this.#state = 'open';
    this.#sent = tail;
    try {
      this.#host.welcomed(this);
    } catch (error) {
      this.#refuse(error);
    }
    if (this.#isOver()) return;
    this.#send({ type: 'welcome', node: id, lease: ports.lease, now: ports.now(), aliases: true });
  }

  #hear(message: Exclude<FromVerifier, { type: 'hello' }>): void {
    switch (message.type) {
      case 'renew':
        this.#noteUse(message.seen);
        this.#wanted = message.ask;
        this.grantWanted();
        return;
      case 'ack':
        if (message.sequence > this.#sent) {
          this.#breach(`The verifier acknowledged ${message.sequence}, but was sent only ${this.#sent}.`);
          return;
        }
        this.#host.acknowledged(this, this.outstanding.acknowledge(message.sequence));
        return;
      case 'ask':
        if (this.#concern.open >= mostOpen) this.#breach(`More than ${mostOpen} questions were open.`);
        else void this.#answer(message.question, 'token' in message ? message.token : message);
        return;
      case 'bye':
        this.#host.acknowledged(this, this.outstanding.forgive());
        this.#end(false);
    }
  }

  #hearLast(message: FromVerifier | undefined): void {
    if (message?.type !== 'bye' && !(message?.type === 'ack' && message.sequence === this.#sent)) return;
    this.#host.acknowledged(this, this.outstanding.forgive());
  }

  /** Activity counts only for sessions that the verifier was told of here, and is never recorded as in the future. */
  #noteUse(seen: readonly (readonly [string, number])[]): void {
    const { ports } = this.#host;
    const now = ports.now();
    for (const [id, at] of seen) if (this.#told.has(id)) ports.noteUse(id as SessionId, Math.min(at, now));
  }

  /**
   * R12: the store is read after the question has arrived, and the answer is sent only while the node holds a lease.
   */
  async #answer(question: number, credential: Credential): Promise<void> {
    const token = typeof credential === 'string' ? credential : undefined;
    const answered = this.#concern.ask(token === undefined ? undefined : idOf(token));
    try {
      const verdict: VerifiedToken = await this.#host.ports.verifyFromStore(credential);
      if (this.#host.leaseLeft() <= 0) await this.#host.leased();
      if (this.#state !== 'open') return;
      this.#noteTold(verdict, token);
      this.#send({ type: 'answer', question, answer: answerOf(verdict, this.#host.ports, token === undefined) });
    } catch (error) {
      if (this.#state === 'open') this.#send({ type: 'refused', question, trouble: troubleOf(error) });
    } finally {
      answered();
    }
  }

  /**
   * Notes what an answer tells (R22). Only an active session is remembered, so only that is noted: otherwise a
   * client that shows made-up tokens to an application would make changes wait for it. The session of a token that is suspended
   * counts too: its next change can make it active, and somebody may wait for this very answer. (For an alias, a verifier
   * would ask again.) Only a client that has a session's secret is told that it is suspended.
   */
  #noteTold(verdict: VerifiedToken, token: string | undefined): void {
    if (!verdict.active) {
      if (token !== undefined && verdict.reason === 'suspended') this.#concern.noteSession(idOf(token));
      return;
    }
    const { id, userId } = verdict.stored;
    this.#concern.noteSession(id);
    this.#concern.noteUser(userId);
    this.#told.note(id);
  }

  /** Whatever it is sent, a verifier that does not read is cut off: it may never be concerned by a change. */
  #send(message: FromNode): void {
    this.#stream.send(message);
    this.#cutIfBehind();
  }

  #cutIfBehind(): void {
    if (this.#stream.queued > mostQueued) this.#end(true);
  }

  #breach(detail: string): void {
    this.#refuse(new CurfewError('fence_protocol', { detail }), true);
  }

  #refuse(error: unknown, dropped = false): void {
    if (this.#isOver()) return;
    this.#stream.send({ type: 'refused', trouble: troubleOf(error) });
    this.#end(dropped);
  }

  #end(dropped: boolean): void {
    if (this.#isOver()) return;
    this.#state = 'over';
    this.#stream.close();
    this.#host.ended(this, dropped);
  }

  /** A method, because the state changes during an `await`. */
  #isOver(): boolean {
    return this.#state === 'over';
  }
}
