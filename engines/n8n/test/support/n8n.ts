import { fileURLToPath } from 'node:url';
import type {
  ICredentialDataDecryptedObject,
  IDataObject,
  INode,
  INodeExecutionData,
  INodeType,
  INodeTypes,
  IRun,
  IWorkflowBase,
  IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import { Credentials } from './credentials.ts';
import { core, isOfN8n1, workflow } from './engine.ts';

const { PackageDirectoryLoader, UnrecognizedCredentialTypeError, UnrecognizedNodeTypeError, WorkflowExecute } = core;

type Loader = InstanceType<typeof PackageDirectoryLoader>;
const { NodeConnectionTypes, NodeHelpers, Workflow } = workflow;

const folderOf = (name: string) => fileURLToPath(new URL(`../../../../packages/${name}`, import.meta.url));
export const curfewPackage = { name: 'n8n-nodes-curfew', folder: folderOf('n8n-nodes-curfew') };
export const logOutPackage = { name: 'n8n-nodes-log-out', folder: folderOf('n8n-nodes-log-out') };
export const packages = [curfewPackage, logOutPackage];

/** The parts of a saved workflow that a test writes. */
export type Saved = Pick<IWorkflowBase, 'nodes' | 'connections'> & { settings?: IWorkflowBase['settings'] };

/** The result of a run: the items of each node's outputs, and the error that ended it. */
export type Ran = {
  run: IRun;
  error: (Error & { description?: string | null }) | undefined;
  /** The error as the editor shows it: its message, and the description below; empty if there is none. */
  told: string;
  output(node: string, index?: number): INodeExecutionData[];
  json(node: string, index?: number): IDataObject[];
};

/** n8n's runner, with the built packages, loaded from their manifests. */
export class N8n {
  /** By the name of the package, which is the prefix of a node's type. */
  readonly loaders: Readonly<Record<string, Loader>>;
  readonly credentials: Credentials;
  readonly #more: Record<string, INodeType>;

  private constructor(loaders: Record<string, Loader>, more: Record<string, INodeType>) {
    this.loaders = loaders;
    // From any package, by the name alone.
    this.credentials = new Credentials((name) => {
      const loader = Object.values(loaders).find(({ known }) => name in known.credentials);
      if (!loader) throw new UnrecognizedCredentialTypeError(name);
      return loader.getCredential(name).type;
    });
    this.#more = more;
  }

  static async load(
    folders = packages.map(({ folder }) => folder),
    more: Record<string, INodeType> = {},
  ): Promise<N8n> {
    const loaders: Record<string, Loader> = {};
    for (const folder of folders) {
      const loader = new PackageDirectoryLoader(folder);
      await loader.loadAll();
      loaders[loader.packageName] = loader;
    }
    return new N8n(loaders, { ...standIns, ...more });
  }

  /** Stores a credential; a node names it by its id. */
  keep(id: string, data: ICredentialDataDecryptedObject): void {
    this.credentials.kept.set(id, data);
  }

  get nodeTypes(): INodeTypes {
    const get = (name: string, version?: number): INodeType => {
      const more = this.#more[name];
      if (more) return NodeHelpers.getVersionedNodeType(more, version);
      const [packageName = '', node = ''] = name.split('.');
      const loader = this.loaders[packageName];
      if (!loader) throw new UnrecognizedNodeTypeError(packageName, node);
      const { type } = loader.getNode(node.replace(/Tool$/, ''));
      const found = NodeHelpers.getVersionedNodeType(type, version);
      return node.endsWith('Tool') ? asTool(found) : found;
    };
    return { getByName: get, getByNameAndVersion: get, getKnownTypes: () => ({}) };
  }

  additionalData(): IWorkflowExecuteAdditionalData {
    const hooks = { runHook: async () => {}, addHandler: () => {} };
    return {
      credentialsHelper: this.credentials,
      hooks,
      currentNodeExecutionIndex: 0,
      variables: {},
      webhookWaitingBaseUrl: 'http://127.0.0.1:5678/webhook-waiting',
      formWaitingBaseUrl: 'http://127.0.0.1:5678/form-waiting',
      logAiEvent: () => {},
    } as unknown as IWorkflowExecuteAdditionalData;
  }

  parse(saved: Saved): InstanceType<typeof Workflow> {
    // Through text, like a file that somebody saved and another imports.
    const { nodes, connections, settings } = JSON.parse(JSON.stringify(saved)) as Saved;
    return new Workflow({
      id: 'test',
      nodes,
      connections,
      active: false,
      nodeTypes: this.nodeTypes,
      settings: { executionOrder: 'v1', ...settings },
    });
  }

  /** Starts an execution; its `cancel` is what n8n calls when somebody stops it. */
  start(saved: Saved): ReturnType<InstanceType<typeof WorkflowExecute>['run']> {
    const execution = new WorkflowExecute(this.additionalData(), 'manual');
    const parsed = this.parse(saved);
    // n8n 1 takes the workflow itself.
    return execution.run((isOfN8n1 ? parsed : { workflow: parsed }) as { workflow: typeof parsed });
  }

  async run(saved: Saved): Promise<Ran> {
    const run = await this.start(saved);
    const { runData, error } = run.data.resultData;
    const output = (node: string, index = 0) => runData[node]?.at(-1)?.data?.['main']?.[index] ?? [];
    return {
      run,
      error: error as Ran['error'],
      told: [error?.message, error?.description].filter(Boolean).join(' '),
      output,
      json: (node, index) => output(node, index).map(({ json }) => json),
    };
  }
}

// ---- Nodes that n8n has in a separate package, which is too large to install only for these

const described = (name: string, inputs: string[], outputs: string[]) =>
  ({
    displayName: name,
    name,
    group: ['input'],
    version: 1,
    description: name,
    defaults: { name },
    inputs,
    outputs,
    properties: [{ displayName: 'Items', name: 'items', type: 'json', default: '' }],
  }) as unknown as INodeType['description'];

const standIns: Record<string, INodeType> = {
  'n8n-nodes-base.manualTrigger': {
    description: described('manualTrigger', [], [NodeConnectionTypes.Main]),
    async execute() {
      const items = this.getNodeParameter('items', 0, '') as string;
      const given = items === '' ? [{}] : (JSON.parse(items) as IDataObject[]);
      return [given.map((json) => ({ json }))];
    },
  },
  'test.items': {
    description: described('items', [NodeConnectionTypes.Main], [NodeConnectionTypes.Main]),
    async execute() {
      return [(JSON.parse(this.getNodeParameter('items', 0) as string) as IDataObject[]).map((json) => ({ json }))];
    },
  },
  'n8n-nodes-base.noOp': {
    description: described('noOp', [NodeConnectionTypes.Main], [NodeConnectionTypes.Main]),
    async execute() {
      return [this.getInputData()];
    },
  },
};

/** As n8n offers a node that is usable as a tool to its agents. */
function asTool(type: INodeType): INodeType {
  const description = {
    ...type.description,
    name: `${type.description.name}Tool`,
    inputs: [],
    outputs: [NodeConnectionTypes.AiTool],
  } as INodeType['description'];
  return Object.assign(Object.create(type) as INodeType, { description });
}

// ---- Writing a workflow in a few lines

export type NodeMore = Partial<Omit<INode, 'parameters'>>;

/** A node of the package, as a workflow saves it. */
export function node(name: string, type: string, parameters: IDataObject, more: NodeMore = {}): INode {
  return {
    id: name,
    name,
    type,
    typeVersion: 1,
    position: [0, 0],
    parameters: parameters as INode['parameters'],
    ...more,
  };
}

/** A source of items. */
export function source(items: readonly object[], name = 'Start'): INode {
  return node(name, 'n8n-nodes-base.manualTrigger', { items: JSON.stringify(items) });
}

/** Items in the middle of a flow, whatever came in. */
export function items(name: string, given: readonly object[]): INode {
  return node(name, 'test.items', { items: JSON.stringify(given) });
}

/** Connections from outputs to inputs: `['A', 0, 'B', 1]` leads from the first output of A to the second input of B. */
export function wires(...lines: [from: string, output: number, to: string, input: number][]): Saved['connections'] {
  const connections: Saved['connections'] = {};
  for (const [from, output, to, index] of lines) {
    connections[from] ??= { main: [] };
    const main = connections[from]['main'] ?? [];
    while (main.length <= output) main.push([]);
    main[output]?.push({ node: to, type: NodeConnectionTypes.Main, index });
  }
  return connections;
}
