import {
  absent,
  NodeFault,
  type Parameter,
  proxySignIn,
  type RequestOptions,
  readParameters,
  requestOptions,
  requestOptionsOf,
  secretOf,
  type Values,
} from 'curfew-nodes';
import { secretFor } from './kept-secrets.ts';
import type { Message, NodeConfig, Red, RedNode } from './red.ts';

/**
 * Evaluates the editor's fields for a message: fixed texts, properties of the message or of contexts, expressions, and
 * kept secrets. `url`: the server to which they are sent.
 */
export async function parametersOf(
  red: Red,
  node: RedNode,
  config: NodeConfig,
  parameters: readonly Parameter[],
  message: Message,
  url: string,
): Promise<Values> {
  const isKept = ({ name }: Parameter) => config[`${name}Type`] === 'cred';
  const given = new Map<string, unknown>();
  for (const parameter of parameters) {
    if (!isKept(parameter)) given.set(parameter.name, await evaluate(red, node, config, parameter, message));
  }
  return readParameters(parameters, (parameter) => {
    if (!isKept(parameter)) return given.get(parameter.name);
    return secretFor(url, node.credentials?.[secretOf(parameter.name)], parameter.label) || absent;
  });
}

function evaluate(
  red: Red,
  node: RedNode,
  config: NodeConfig,
  { name, label }: Parameter,
  message: Message,
): Promise<unknown> {
  const [value, type] = [config[name], config[`${name}Type`]];
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

/** The credential with the password of a node's proxy. */
export const proxyPassword = 'proxyPassword';
const proxyPasswordLabel = proxySignIn.find(({ name }) => name === proxyPassword)?.label ?? '';

/** The request options of a node, which do not depend on the message. */
export function optionsOf(config: NodeConfig, credentials: RedNode['credentials']): RequestOptions {
  const options = requestOptionsOf(readParameters(requestOptions, ({ name }) => config[name]));
  const proxyUser = credentials?.['proxyUser'];
  if (options.proxy === undefined) return options;
  const proxy = new URL(options.proxy);
  // A flow from an earlier version has them in its URL.
  if (proxyUser) proxy.username = encodeURIComponent(String(proxyUser));
  const password = secretFor(options.proxy, credentials?.[proxyPassword], proxyPasswordLabel);
  if (password) proxy.password = encodeURIComponent(String(password));
  return { ...options, proxy: proxy.href };
}
