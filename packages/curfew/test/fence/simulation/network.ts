import type { StreamEvents } from 'curfew-client/fence';
import type { StreamHandler, VerifierStream } from '../../../src/fence/ports.ts';
import type { Dice, Machine, Universe } from './machine.ts';

type Accept = { machine: Machine; attach(stream: VerifierStream): StreamHandler };

/** One direction of a stream: ordered, with delays from the dice. */
class Wire {
  #last = 0;
  closed = false;
  /** Bytes in transit. */
  queued = 0;
  readonly #universe: Universe;
  readonly #to: Machine;
  readonly #delay: () => number;
  readonly #deliver: (text: string) => void;

  constructor(universe: Universe, to: Machine, delay: () => number, deliver: (text: string) => void) {
    this.#universe = universe;
    this.#to = to;
    this.#delay = delay;
    this.#deliver = deliver;
  }

  send(text: string): void {
    if (this.closed) return;
    this.queued += text.length;
    this.#last = Math.max(this.#last, this.#universe.now + this.#delay());
    this.#universe.at(this.#last, this.#to, () => {
      this.queued -= text.length;
      if (!this.closed) this.#deliver(text);
    });
  }

  /** Closes after everything that was sent. */
  after(work: () => void): void {
    this.#universe.at(Math.max(this.#last, this.#universe.now + this.#delay()), this.#to, work);
  }
}

/** Streams between verifiers and nodes: delays, cuts that each side notices in its own time, and silence. */
export class Network {
  readonly #universe: Universe;
  readonly #dice: Dice;
  readonly #listening: Map<string, Accept> = new Map();
  readonly #cuts: Set<() => void> = new Set();
  /** How likely a message is to take long. */
  trouble = 0;
  /** Until then every other message takes long, whatever the fault. */
  slowUntil = 0;

  constructor(universe: Universe, dice: Dice) {
    this.#universe = universe;
    this.#dice = dice;
  }

  listen(url: string, accept: Accept): void {
    this.#listening.set(url, accept);
  }

  /** Cuts some of the streams; data in transit is lost. */
  cut(share: number): void {
    for (const cut of [...this.#cuts]) if (this.#dice.chance(share)) cut();
  }

  connect(from: Machine, url: string, events: StreamEvents): { send(text: string): void; close(): void } {
    const accept = this.#listening.get(url);
    const dice = this.#dice;
    const delay = () => {
      const slow = this.#universe.now < this.slowUntil ? 0.5 : this.trouble;
      return dice.chance(slow) ? dice.between(5, 2500) : dice.between(0.1, 5);
    };
    let over = false;
    if (!accept || accept.machine.dead) {
      this.#universe.in(delay(), from, () => events.close());
      return { send() {}, close() {} };
    }
    let handler: StreamHandler | undefined;
    const toVerifier = new Wire(this.#universe, from, delay, (text) => events.message(text));
    const toNode = new Wire(this.#universe, accept.machine, delay, (text) => handler?.receive(text));
    const cut = () => {
      if (over) return;
      over = true;
      this.#cuts.delete(cut);
      toVerifier.closed = true;
      toNode.closed = true;
      this.#universe.in(delay(), from, () => events.close());
      this.#universe.in(delay(), accept.machine, () => handler?.closed());
    };
    this.#cuts.add(cut);
    /** One side closes: the other gets what was sent before, and then learns of it. */
    const closeFrom = (wire: Wire, tell: () => void) => {
      if (over) return;
      over = true;
      this.#cuts.delete(cut);
      wire.after(tell);
    };
    this.#universe.in(delay(), accept.machine, () => {
      if (over) return;
      handler = accept.attach({
        send: (message) => toVerifier.send(JSON.stringify(message)),
        sendText: (text) => toVerifier.send(text),
        get queued() {
          return toVerifier.queued;
        },
        network: from.name,
        close: () => closeFrom(toVerifier, () => events.close()),
      });
      this.#universe.in(delay(), from, () => events.open());
    });
    return {
      send: (text) => toNode.send(text),
      close: () => closeFrom(toNode, () => handler?.closed()),
    };
  }
}
