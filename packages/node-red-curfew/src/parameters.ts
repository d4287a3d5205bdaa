import {
  NodeFault,
  type Parameter,
  type RequestOptions,
  readParameters,
  requestOptions,
  requestOptionsOf,
  type Values,
} from 'curfew-nodes';
import type { Message, NodeConfig, Red, RedNode } from './red.ts';

/** Reads what an editor's fields say for a message: fixed texts, properties of the message, of contexts, or expressions. */
export async function parametersOf(
  red: Red,
  node: RedNode,
  config: NodeConfig,
  parameters: readonly Parameter[],
  message: Message,
): Promise<Values> {
  const given = new Map<string, unknown>();
  for (const { name } of parameters) given.set(name, await evaluate(red, node, config, name, message));
  return readParameters(parameters, ({ name }) => given.get(name));
}

function evaluate(red: Red, node: RedNode, config: NodeConfig, name: string, message: Message): Promise<unknown> {
  const [value, type] = [config[name], config[`${name}Type`]];
  // Choices and checkboxes have no type; an empty field is nothing, whatever its type.
  if (typeof type !== 'string' || value === '' || value === undefined) return Promise.resolve(value);
  return new Promise((resolve, reject) => {
    try {
      red.util.evaluateNodeProperty(value, type, node, message, (error, result) =>
        error ? reject(expressionFault(name, error)) : resolve(result),
      );
    } catch (error) {
      // An expression that cannot be read is not handed to the callback.
      reject(expressionFault(name, error));
    }
  });
}

/** JSONata's errors are objects with a message, and no errors. */
function expressionFault(name: string, cause: unknown): NodeFault {
  const { message } = cause as { message?: unknown };
  return new NodeFault('invalid_parameter', `The expression of “${name}” fails: ${message ?? cause}`, {
    remedy: 'Correct the expression.',
    cause,
  });
}

/** The request options of a node: they are fixed. */
export function optionsOf(config: NodeConfig): RequestOptions {
  return requestOptionsOf(readParameters(requestOptions, ({ name }) => config[name]));
}
