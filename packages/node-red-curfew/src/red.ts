import type { IncomingMessage, ServerResponse } from 'node:http';

/*
 * The part of Node-RED's runtime that these nodes use; its package has no types.
 */

export type Message = { _msgid?: string; payload?: unknown; parts?: { id?: unknown; index?: unknown } } & Record<
  string,
  unknown
>;

/** `_alias`: in an instance of a subflow, the id that the node has in its template. */
export type NodeConfig = { id: string; type: string; name?: string; _alias?: string } & Record<string, unknown>;

export type RedNode = {
  id: string;
  type: string;
  credentials?: Record<string, unknown>;
  status(badge: Badge | Record<string, never>): void;
  error(error: Error, message?: Message): void;
  send(outputs: (Message | null)[]): void;
  on(
    event: 'input',
    handler: (message: Message, send: (outputs: (Message | null)[]) => void, done: (error?: Error) => void) => void,
  ): void;
  on(event: 'close', handler: () => void): void;
};

export type CredentialKinds = Record<string, { type: 'text' | 'password' }>;

export type Badge = { fill: 'green' | 'red' | 'yellow' | 'blue'; shape: 'dot' | 'ring'; text: string };

export type Red = {
  nodes: {
    createNode(node: RedNode, config: NodeConfig): void;
    registerType(
      type: string,
      start: (this: RedNode, config: NodeConfig) => void,
      options?: { credentials: CredentialKinds },
    ): void;
    getNode(id: string): RedNode | null;
    eachNode(visit: (config: NodeConfig) => void): void;
    getCredentials(id: string): Record<string, unknown> | undefined;
    addCredentials(id: string, credentials: Record<string, unknown>): void;
  };
  events: { on(event: 'flows:started', handler: () => void): void };
  util: {
    cloneMessage<M>(message: M): M;
    evaluateNodeProperty(
      value: unknown,
      type: string,
      node: RedNode,
      message: Message,
      callback: (error: Error | null, result: unknown) => void,
    ): void;
  };
  auth: { needsPermission(permission: string): unknown };
  httpAdmin: {
    post(
      path: string,
      guard: unknown,
      handler: (request: IncomingMessage & { body: unknown }, response: ServerResponse) => void,
    ): void;
  };
  _(key: string, values?: Record<string, unknown>): string;
};
