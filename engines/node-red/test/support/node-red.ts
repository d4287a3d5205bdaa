import { type EventEmitter, once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const packageFolder = fileURLToPath(new URL('../../../../packages/node-red-curfew', import.meta.url));
export const packageName = '@curfew/node-red';

/** The folder of the engine that runs the tests: the newest Node-RED, unless the variable names another. */
const engine = process.env['CURFEW_TEST_NODE_RED'] ?? 'node-red';
const require = createRequire(fileURLToPath(new URL(`../../../${engine}/package.json`, import.meta.url)));
/** The engine's name in the table of passed tests. */
const { version } = require('node-red/package.json') as { version: string };
export const thisEngine = { kind: 'Node-RED', version } as const;

type Json = ReturnType<typeof JSON.parse>;
export type Message = Record<string, Json>;
/** A node of a flow, as a flow is saved. */
export type FlowNode = { id: string; type: string } & Record<string, Json>;

/** The output of a flow: the messages, by the name of a sink. */
export type Sinks = Map<string, Message[]>;

type Runtime = {
  init(server: Server, settings: object): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  httpAdmin: (request: unknown, response: unknown) => void;
  httpNode: (request: unknown, response: unknown) => void;
  events: EventEmitter;
  nodes: { getNode(id: string): { receive(message: Message): void } | null };
};

/** Node-RED itself, with the package in its user folder, where its palette manager installs it. */
export class NodeRed {
  readonly url: string;
  /** Every badge since the start, with the ID of its node, which may have been removed since. */
  readonly badges: { id: string; status: Json }[] = [];
  readonly #runtime: Runtime;
  readonly #server: Server;
  readonly #folder: string;
  readonly #sinks: Sinks;
  #arrived: () => void = () => {};

  private constructor(runtime: Runtime, server: Server, folder: string, sinks: Sinks) {
    this.#runtime = runtime;
    this.#server = server;
    this.#folder = folder;
    this.#sinks = sinks;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(folder: string = packageFolder): Promise<NodeRed> {
    const userDir = mkdtempSync(join(tmpdir(), 'curfew-node-red-'));
    const installed = join(userDir, 'node_modules', packageName);
    mkdirSync(dirname(installed), { recursive: true });
    symlinkSync(folder, installed);
    writeFileSync(join(userDir, 'package.json'), JSON.stringify({ dependencies: { [packageName]: '*' } }));
    // Without the tips: on a slow machine their timer fires before the editor has the element for them, which is an error.
    const settings = { _: { editor: { view: { 'view-show-tips': false } } } };
    writeFileSync(join(userDir, '.config.users.json'), JSON.stringify(settings));
    const runtime = require('node-red') as Runtime;
    const server = createServer((request, response) => runtime.httpAdmin(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const sinks: Sinks = new Map();
    const red = new NodeRed(runtime, server, userDir, sinks);
    runtime.init(server, {
      userDir,
      flowFile: 'flows.json',
      httpAdminRoot: '/',
      httpNodeRoot: '/flows',
      credentialSecret: 'of no secret that anybody keeps',
      logging: { console: { level: 'off', metrics: false, audit: false } },
      editorTheme: { tours: false, projects: { enabled: false } },
      telemetry: { enabled: false, updateNotification: false },
      functionGlobalContext: {
        sink: (name: string, message: Message) => red.#put(name, message),
      },
    });
    // It starts its flows, of which there are none yet, a moment after itself.
    const started = once(runtime.events, 'flows:started');
    runtime.events.on('node-status', (badge) => red.badges.push(badge));
    await runtime.start();
    await started;
    return red;
  }

  #put(name: string, message: Message): void {
    this.#sinks.set(name, [...(this.#sinks.get(name) ?? []), message]);
    this.#arrived();
  }

  /**
   * Deploys a flow through the interface that the editor uses. All its sinks are empty then. `nodes` restarts only the
   * nodes that differ, as “Modified Nodes” does; `reload` starts what was saved, as after a restart.
   */
  async deploy(nodes: readonly FlowNode[], what: 'full' | 'nodes' | 'reload' = 'full'): Promise<void> {
    this.#sinks.clear();
    const started = once(this.#runtime.events, 'flows:started');
    const response = await fetch(`${this.url}/flows`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'node-red-api-version': 'v2',
        'node-red-deployment-type': what,
      },
      body: JSON.stringify({ flows: [{ id: 'tab', type: 'tab', label: 'Test' }, ...nodes] }),
    });
    if (!response.ok) throw new Error(`deploy: ${response.status} ${await response.text()}`);
    await started;
  }

  /** Sends a message to a node. */
  send(id: string, message: Message): void {
    const node = this.#runtime.nodes.getNode(id);
    if (!node) throw new Error(`no node has the id ${id}`);
    node.receive(message);
  }

  /** Waits until the sinks contain what a test expects. */
  async until<Found>(found: (sinks: Sinks) => Found | undefined | false): Promise<Found> {
    for (;;) {
      const value = found(this.#sinks);
      if (value !== undefined && value !== false) return value;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  get sinks(): Sinks {
    return this.#sinks;
  }

  async close(): Promise<void> {
    await this.#runtime.stop();
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

// ---- Writing a flow in a few lines

/** On the tab: a node without a position is a configuration node. */
const place = { z: 'tab', x: 100, y: 100 };

/** A Complete or Catch node that watches the given nodes, with a sink. */
export function watcher(type: 'complete' | 'catch', scope: readonly string[], name: string): FlowNode[] {
  return [{ id: `watch-${name}`, type, ...place, scope, uncaught: false, wires: [[`sink-${name}`]] }, sink(name)];
}

/** Stores incoming messages under a name. */
export function sink(name: string): FlowNode {
  return {
    id: `sink-${name}`,
    type: 'function',
    ...place,
    func: `global.get('sink')(${JSON.stringify(name)}, msg);`,
    outputs: 0,
    wires: [],
  };
}

/** A node of the package with a sink at each output, and sinks for its errors, completions and badges. */
export function observed(node: FlowNode, outputs: number): FlowNode[] {
  const names = Array.from({ length: outputs }, (_, i) => `out${i}`);
  const watch = (type: string): FlowNode[] => [
    { id: `the-${type}`, type, ...place, scope: [node.id], uncaught: false, wires: [[`sink-${type}`]] },
    sink(type),
  ];
  return [
    { ...place, ...node, outputs, wires: names.map((name) => [`sink-${name}`]) },
    ...names.map(sink),
    ...watch('catch'),
    ...watch('complete'),
    ...watch('status'),
  ];
}
