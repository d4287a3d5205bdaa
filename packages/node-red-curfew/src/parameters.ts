import {
  absent,
  NodeFault,
  type Parameter,
  type RequestOptions,
  readParameters,
  requestOptions,
  requestOptionsOf,
  secretOf,
  type Values,
} from 'curfew-nodes';
import type { Message, NodeConfig, Red, RedNode } from './red.ts';

/** Evaluates the editor's fields for a message: fixed texts, properties of the message or of contexts, expressions. */
export async function parametersOf(
  red: Red,
  node: RedNode,
  config: NodeConfig,
  parameters: readonly Parameter[],
  message: Message,
): Promise<Values> {
  const given = new Map<string, unknown>();
  for (const parameter of parameters) given.set(parameter.name, await evaluate(red, node, config, parameter, message));
  return readParameters(parameters, ({ name }) => given.get(name));
}

function evaluate(
  red: Red,
  node: RedNode,
  config: NodeConfig,
  { name, label }: Parameter,
  message: Message,
): Promise<unknown> {
  const [value, type] = [config[name], config[`${name}Type`]];
  if (type === 'cred') return Promise.resolve(node.credentials?.[secretOf(name)] || absent);
  // An empty field has no value, whatever its type; choices and checkboxes have no type.
  if (value === '' || value === undefined) return Promise.resolve(absent);
  if (typeof type !== 'string') return Promise.resolve(value);
  return new Promise((resolve, reject) => {
    try {
      red.util.evaluateNodeProperty(value, type, node, message, (error, result) =>
        error ? reject(expressionFault(label, error)) : resolve(result),
      );
    } catch (error) {
      // An error while parsing the expression is thrown, not passed to the callback.
      reject(expressionFault(label, error));
    }
  });
}

/** JSONata's errors are objects with a message, not instances of `Error`. */
function expressionFault(label: string, cause: unknown): NodeFault {
  const { message } = cause as { message?: unknown };
  return new NodeFault('invalid_parameter', `The expression of “${label}” fails: ${message ?? cause}.`, {
    remedy: 'Correct the expression.',
    cause,
  });
}

/** The request options of a node, which do not depend on the message. */
export function optionsOf(config: NodeConfig, credentials: RedNode['credentials']): RequestOptions {
  const options = requestOptionsOf(readParameters(requestOptions, ({ name }) => config[name]));
  const { proxyUser, proxyPassword } = credentials ?? {};
  if (options.proxy === undefined) return options;
  const proxy = new URL(options.proxy);
  // A flow from an earlier version has them in its URL.
  if (proxyUser) proxy.username = encodeURIComponent(String(proxyUser));
  if (proxyPassword) proxy.password = encodeURIComponent(String(proxyPassword));
  return { ...options, proxy: proxy.href };
}
