import { NodeFault } from 'curfew-nodes';
import type { Message } from './red.ts';

type Waiting = { messages: Message[]; timer: NodeJS.Timeout };

/**
 * Waits for several messages of one origin: those with the same `msg.parts.id`, or the same `_msgid`. They become one
 * message: the first, with all in `msg.inputs`, ordered by `msg.parts.index` if they have one, otherwise by arrival.
 */
export class Inputs {
  readonly #count: number;
  readonly #timeout: number;
  readonly #late: (message: Message, fault: NodeFault) => void;
  readonly #waiting = new Map<unknown, Waiting>();

  constructor(count: number, timeout: number, late: (message: Message, fault: NodeFault) => void) {
    this.#count = count;
    this.#timeout = timeout;
    this.#late = late;
  }

  /** Returns the message to work on, or how many have arrived so far. */
  take(message: Message): Message | number {
    if (this.#count === 1) return message;
    const key = message.parts?.id ?? message._msgid;
    const waiting = this.#waiting.get(key) ?? { messages: [], timer: this.#start(key) };
    this.#waiting.set(key, waiting);
    waiting.messages.push(message);
    if (waiting.messages.length < this.#count) return waiting.messages.length;
    this.#forget(key, waiting);
    const inputs = waiting.messages.toSorted((one, other) => indexOf(one) - indexOf(other));
    return { ...inputs[0], inputs };
  }

  close(): void {
    for (const [key, waiting] of this.#waiting) this.#forget(key, waiting);
  }

  #start(key: unknown): NodeJS.Timeout {
    return setTimeout(() => {
      const waiting = this.#waiting.get(key);
      if (!waiting) return;
      this.#forget(key, waiting);
      const { length } = waiting.messages;
      const fault = new NodeFault(
        'inputs_missing',
        `Only ${length} of ${this.#count} messages arrived within ${this.#timeout} ms.`,
        {
          remedy: 'Check that every branch leads here with the same _msgid or msg.parts.id, or raise the waiting time.',
        },
      );
      this.#late({ ...waiting.messages[0], inputs: waiting.messages }, fault);
    }, this.#timeout);
  }

  #forget(key: unknown, { timer }: Waiting): void {
    clearTimeout(timer);
    this.#waiting.delete(key);
  }
}

function indexOf({ parts }: Message): number {
  return typeof parts?.index === 'number' ? parts.index : 0;
}
