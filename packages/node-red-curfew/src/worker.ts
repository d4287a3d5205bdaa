import { setTimeout as sleep } from 'node:timers/promises';
import { batches, faultOf, maxInputs, type NodeFault, type RequestOptions } from 'curfew-nodes';
import { Inputs } from './inputs.ts';
import { optionsOf } from './parameters.ts';
import type { Message, NodeConfig, Red, RedNode } from './red.ts';

/** The result for a message: its output, and the text of the badge. */
export type Done = { output: number; message: Message; badge: string };

/**
 * The course of every node: it waits for its inputs and its turn, does its work, and shows a badge. A Catch node always
 * receives errors; with manual error management, the last output also has them, as `msg.errors`.
 */
export function startWorker(
  red: Red,
  node: RedNode,
  config: NodeConfig,
  outputs: number,
  work: (message: Message, options: RequestOptions) => Promise<Done>,
): void {
  let turn: (() => Promise<void>) | undefined;
  const count = Math.min(Math.max(Number(config['inputCount'] ?? 1) || 1, 1), maxInputs);
  const waitFor = Number(config['inputTimeout'] ?? 10_000) || 10_000;
  const inputs = new Inputs(count, waitFor, (message, fault) => {
    if (config['errorManagement'] === 'manual') node.send(placed(outputs + 1, outputs, withErrors(message, fault)));
    shown(node, fault);
    node.error(new CaughtError(fault), message);
  });

  node.on('input', (message, send, done) => {
    const taken = inputs.take(message);
    if (typeof taken === 'number') {
      node.status({ fill: 'yellow', shape: 'ring', text: red._('curfew.status.waiting', { taken, count }) });
      done();
      return;
    }
    run(taken).then(
      ({ output, message: out, badge }) => {
        node.status({ fill: 'green', shape: 'dot', text: badge });
        send(placed(outputs, output, out));
        done();
      },
      (error: unknown) => {
        const fault = faultOf(error);
        shown(node, fault);
        if (config['errorManagement'] === 'manual') send(placed(outputs + 1, outputs, withErrors(taken, fault)));
        done(new CaughtError(fault));
      },
    );
  });
  node.on('close', () => {
    inputs.close();
    node.status({});
  });

  async function run(message: Message): Promise<Done> {
    node.status({ fill: 'blue', shape: 'dot', text: red._('curfew.status.working') });
    const options = optionsOf(config, node.credentials);
    turn ??= batches(options, (ms) => sleep(ms)).turn;
    await turn();
    return work(message, options);
  }

  function withErrors(message: Message, fault: NodeFault): Message {
    return { ...red.util.cloneMessage(message), errors: [fault.entry] };
  }
}

function shown(node: RedNode, { code }: NodeFault): void {
  node.status({ fill: 'red', shape: 'ring', text: code.replaceAll('_', ' ') });
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
