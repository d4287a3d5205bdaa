import { setTimeout as sleep } from 'node:timers/promises';
import { batches, faultOf, maxInputs, type NodeFault } from 'curfew-nodes';
import { Inputs } from './inputs.ts';
import { optionsOf } from './parameters.ts';
import type { Badge, Message, NodeConfig, Red, RedNode } from './red.ts';
import type { SendOptions } from './transport.ts';

/** The result for a message: its output, and the text of the badge. */
export type Done = { output: number; message: Message; badge: string };

/**
 * The course of every node: it waits for its inputs and its turn, does its work, and shows a badge. A Catch node always
 * receives errors; with manual error management, the last output also has them, as `msg.errors`. A node that has been
 * removed or deployed again only finishes what it has begun: what still waits is dropped, and it shows no badge. Node-RED
 * hears nothing of a dropped message: it is not complete, and an error would reach Catch nodes of the new flow.
 */
export function startWorker(
  red: Red,
  node: RedNode,
  config: NodeConfig,
  outputs: number,
  work: (message: Message, options: SendOptions) => Promise<Done>,
): void {
  const closing = new AbortController();
  const closed = closing.signal;
  let turn: (() => Promise<void>) | undefined;
  const count = Math.min(Math.max(Number(config['inputCount'] ?? 1) || 1, 1), maxInputs);
  const waitFor = Number(config['inputTimeout'] ?? 10_000) || 10_000;
  const inputs = new Inputs(count, waitFor, (message, fault) => {
    if (config['errorManagement'] === 'manual') node.send(placed(outputs + 1, outputs, withErrors(message, fault)));
    showFault(fault);
    node.error(new CaughtError(fault), message);
  });

  node.on('input', (message, send, done) => {
    const taken = inputs.take(message);
    if (typeof taken === 'number') {
      show({ fill: 'yellow', shape: 'ring', text: red._('curfew.status.waiting', { taken, count }) });
      done();
      return;
    }
    run(taken).then(
      (result) => {
        if (!result) return;
        show({ fill: 'green', shape: 'dot', text: result.badge });
        send(placed(outputs, result.output, result.message));
        done();
      },
      (error: unknown) => {
        const fault = faultOf(error);
        if (closed.aborted && fault.code === 'canceled') return;
        showFault(fault);
        if (config['errorManagement'] === 'manual') send(placed(outputs + 1, outputs, withErrors(taken, fault)));
        done(new CaughtError(fault));
      },
    );
  });
  node.on('close', () => {
    inputs.close();
    node.status({});
    closing.abort();
  });

  /** Returns nothing if the node was closed before the message's turn. */
  async function run(message: Message): Promise<Done | undefined> {
    show({ fill: 'blue', shape: 'dot', text: red._('curfew.status.working') });
    const options = optionsOf(config, node.credentials);
    turn ??= batches(options, pause).turn;
    await turn();
    return closed.aborted ? undefined : work(message, { ...options, closed });
  }

  /** Ends early if the node is closed. */
  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: closed }).catch(() => {});
  }

  function show(badge: Badge): void {
    if (!closed.aborted) node.status(badge);
  }

  function showFault({ code }: NodeFault): void {
    show({ fill: 'red', shape: 'ring', text: code.replaceAll('_', ' ') });
  }

  function withErrors(message: Message, fault: NodeFault): Message {
    return { ...red.util.cloneMessage(message), errors: [fault.entry] };
  }
}

/** An error for a Catch node: only the text as its message, with the code and the origin as properties. */
class CaughtError extends Error {
  readonly code: string;
  readonly origin: string;

  constructor(fault: NodeFault) {
    super(fault.whole, { cause: fault });
    this.code = fault.code;
    this.origin = fault.origin;
  }

  /** Node-RED uses this as the message. */
  override toString(): string {
    return this.message;
  }
}

function placed(outputs: number, at: number, message: Message): (Message | null)[] {
  return Array.from({ length: outputs }, (_, i) => (i === at ? message : null));
}
