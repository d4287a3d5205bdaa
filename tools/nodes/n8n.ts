import { readFileSync } from 'node:fs';
import {
  type Credential,
  curfew,
  ignoreTlsField,
  maxInputs,
  type Operation,
  operations,
  otherServices,
  type Parameter,
  type ResourceName,
  requestOptions,
  resources,
  type Service,
  serviceParameter,
  services,
  sessionUrl,
} from 'curfew-nodes';
import { fieldNameOf, inputNameOf } from 'curfew-nodes-n8n/input-names';
import { pageOf } from '../manifests.ts';
import { Code, literal } from './literal.ts';
import { drawing } from './n8n-picture.ts';

/*
 * Generates n8n's descriptions of the nodes and credentials from the declarations: as literals, because n8n's linter
 * reads the source.
 */

const note = '// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.\n';
const main = new Code('NodeConnectionTypes.Main');

/** A package for n8n, and the services whose credentials it has. */
type Package = { readonly name: string; readonly services: readonly Service[] };

/** n8n verifies a package only if it is for exactly one service, so Curfew's package contains no other. */
const ofCurfew: Package = { name: 'n8n-nodes-curfew', services: [curfew] };
const ofOthers: Package = { name: 'n8n-nodes-log-out', services: otherServices };

export function n8nFiles(): Map<string, string> {
  const files = new Map<string, string>();
  const put = ({ name }: Package, path: string, text: string) => files.set(`packages/${name}/${path}`, text);
  const alias = ['logout', 'sign out', 'revoke', 'end session'];

  put(ofCurfew, 'nodes/Curfew/Curfew.node.ts', nodeFile('Curfew', curfewDescription(), runsCurfew));
  put(
    ofCurfew,
    'nodes/Curfew/Curfew.node.json',
    codex(ofCurfew, 'curfew', ['session', 'sessions', 'logout', 'revoke', 'sign out', 'access group']),
  );
  put(ofCurfew, 'nodes/LogOut/LogOut.node.ts', versionedLogOut());
  put(ofCurfew, 'earlier/LogOut1.ts', nodeFile('LogOut1', logOutDescription(services), runsLogOut('services')));
  put(ofCurfew, 'nodes/LogOut/LogOut.node.json', codex(ofCurfew, 'logOut', [...alias, curfew.label]));

  put(
    ofOthers,
    'nodes/LogOut/LogOut.node.ts',
    nodeFile('LogOut', logOutDescription(otherServices), runsLogOut('otherServices')),
  );
  put(
    ofOthers,
    'nodes/LogOut/LogOut.node.json',
    codex(ofOthers, 'logOut', [...alias, ...otherServices.map(({ label }) => label)]),
  );

  for (const one of [ofCurfew, ofOthers]) {
    for (const credential of credentialsIn(one)) {
      put(one, `credentials/${className(credential)}.credentials.ts`, credentialFile(one, credential));
    }
  }
  // Both packages show the same pictures.
  for (const path of ['nodes/LogOut/logout', 'nodes/LogOut/logout.dark', 'icons/credential', 'icons/credential.dark']) {
    put(ofOthers, `${path}.svg`, readFileSync(`packages/${ofCurfew.name}/${path}.svg`, 'utf8'));
  }
  for (const [name, example] of [
    ['life', 'The life of a session'],
    ['inputs', 'Wait for two inputs'],
  ] as const) {
    put(ofCurfew, `pictures/${name}.svg`, drawing(example));
  }
  return files;
}

const credentialsIn = ({ services }: Package) => services.flatMap((service) => service.credentials);

function className({ name }: Credential): string {
  return name[0]?.toUpperCase() + name.slice(1);
}

/** How a node runs: its imports, and the call. */
type Runs = { readonly imports: string; readonly call: string; readonly services: string };

const importsTests = "import { credentialTests } from 'curfew-nodes-n8n/credential-test';";

const runsCurfew: Runs = {
  imports: `import { curfew } from 'curfew-nodes';\n${importsTests}\nimport { runCurfew } from 'curfew-nodes-n8n/curfew';`,
  call: 'runCurfew(this)',
  services: '[curfew]',
};

const runsLogOut = (offered: 'services' | 'otherServices'): Runs => ({
  services: offered,
  imports: `import { ${offered} } from 'curfew-nodes';\n${importsTests}\nimport { runLogOut } from 'curfew-nodes-n8n/log-out';`,
  call: `runLogOut(this, ${offered})`,
});

function nodeFile(name: string, description: object, { imports, call, services }: Runs): string {
  const usesMain = literal(description).includes(main.text);
  return `${note}${imports}
import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,${usesMain ? '\n\tNodeConnectionTypes,' : ''}
} from 'n8n-workflow';

export ${nodeClass(name, description, call, services)}`;
}

function nodeClass(name: string, description: object, call: string, services: string): string {
  return `class ${name} implements INodeType {
	description: INodeTypeDescription = ${literal(description, 1)};

	methods = { credentialTest: credentialTests(${services}) };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await ${call};
	}
}
`;
}

/**
 * Log Out of Curfew. Its first version was for every service; workflows that use it keep working, and n8n offers only
 * the newest version.
 */
function versionedLogOut(): string {
  return `${note}import { curfew } from 'curfew-nodes';
${importsTests}
import { runLogOut } from 'curfew-nodes-n8n/log-out';
import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
	VersionedNodeType,
} from 'n8n-workflow';
import { LogOut1 } from '../../earlier/LogOut1.ts';

${nodeClass('LogOut2', logOutOfCurfewDescription(), 'runLogOut(this, [curfew])', '[curfew]')}
export class LogOut extends VersionedNodeType {
	constructor() {
		const newest = new LogOut2();
		super({ 1: new LogOut1(), 2: newest }, { ...newest.description, defaultVersion: 2 });
	}
}
`;
}

/** The categories in which n8n lists a node, and the words by which it is found. */
function codex({ name }: Package, node: string, alias: readonly string[]): string {
  const text = {
    node: `${name}.${node}`,
    nodeVersion: '1.0',
    codexVersion: '1.0',
    categories: ['Development', 'Utility'],
    subcategories: { Development: ['Security'] },
    alias,
    resources: {
      credentialDocumentation: [{ url: `${pageOf(name)}#credentials` }],
      primaryDocumentation: [{ url: pageOf(name) }],
    },
  };
  return `${JSON.stringify(text, null, 2)}\n`;
}

// ---- The nodes

const icon = (name: string) => ({ light: `file:${name}.svg`, dark: `file:${name}.dark.svg` });

function curfewDescription(): object {
  const labels = Object.fromEntries(operations.map(({ name, label }) => [name, label]));
  const outputs = Object.fromEntries(
    operations.map(({ name, outputs }) => [name, outputs.map(({ label }) => ({ type: 'main', displayName: label }))]),
  );
  const several = operations.filter(({ inputs }) => inputs === 'several').map(({ name }) => name);
  // The number of inputs, for the editor and the runner alike.
  const count = `(${JSON.stringify(several)}.includes($parameter.operation) ? $parameter.numberInputs || 1 : 1)`;
  return {
    displayName: 'Curfew',
    name: 'curfew',
    icon: icon('curfew'),
    group: ['transform'],
    version: 1,
    subtitle: `={{ ${JSON.stringify(labels)}[$parameter.operation] }}`,
    description: 'Create, verify, list, change and end sessions',
    defaults: { name: 'Curfew' },
    inputs: `={{ Array.from({ length: ${count} }, (_, i) => ({ type: 'main', displayName: ${count} > 1 ? 'Input ' + (i + 1) : undefined })) }}`,
    outputs: `={{ (${JSON.stringify(outputs)})[$parameter.operation] }}`,
    usableAsTool: true,
    credentials: credentialsOf('curfew'),
    properties: [
      authentication('curfew'),
      {
        displayName: 'Resource',
        name: 'resource',
        type: 'options',
        noDataExpression: true,
        options: sorted(
          Object.entries(resources).map(([value, { label, help }]) => ({ name: label, value, description: help })),
        ),
        default: 'userSession',
      },
      ...(Object.keys(resources) as ResourceName[]).map(operationProperty),
      {
        displayName: 'Number of Inputs',
        name: 'numberInputs',
        type: 'options',
        noDataExpression: true,
        options: Array.from({ length: maxInputs }, (_, i) => ({ name: String(i + 1), value: i + 1 })),
        default: 1,
        displayOptions: { show: { operation: several } },
        description: 'How many inputs the node waits for. Each parameter can come from any of them.',
      },
      ...pairingProperties(several),
      ...parametersOfOperations(),
      optionsCollection([emptyItem()]),
    ],
  };
}

function logOutDescription(offered: readonly Service[]): object {
  const labels = Object.fromEntries(offered.map(({ name, label }) => [name, label]));
  return {
    ...logOutBase,
    displayName: 'Log Out',
    version: 1,
    subtitle: `={{ ${JSON.stringify(labels)}[$parameter.service] }}`,
    description: `End a session in ${offered
      .map(({ label }) => (label === 'OAuth Server' ? 'an OAuth server' : label))
      .join(', ')
      .replace(/, ([^,]*)$/, ' or $1')}`,
    defaults: { name: 'Log Out' },
    credentials: offered.flatMap(({ name }) => credentialsOf(name, { service: [name] })),
    properties: [
      inPanel({
        ...property({
          ...serviceParameter,
          fallback: offered.includes(curfew) ? curfew.name : (offered[0]?.name ?? ''),
          choices: offered.map(({ name, label }) => ({ value: name, label })),
        }),
        noDataExpression: true,
      }),
      ...offered.filter(hasSeveralWays).map(({ name }) => inPanel(authentication(name, { service: [name] }))),
      // The place of the credential. Without it, the editor of n8n 1 shows the credential above the service.
      { displayName: 'Credentials', name: 'credentials', type: 'credentials', default: '' },
      ...offered.flatMap(({ name, parameters }) =>
        parameters.map((parameter) => property(parameter, { service: [name] })),
      ),
      optionsCollection(),
    ],
  };
}

function logOutOfCurfewDescription(): object {
  const by = curfew.parameters.find(({ name }) => name === 'curfewBy');
  const labels = Object.fromEntries((by?.choices ?? []).map(({ value, label }) => [value, `By ${label}`]));
  return {
    ...logOutBase,
    displayName: 'Log Out of Curfew',
    version: 2,
    subtitle: `={{ ${JSON.stringify(labels)}[$parameter.curfewBy] }}`,
    description: 'End a session in Curfew by its ID, its name or one of its tokens',
    defaults: { name: 'Log Out of Curfew' },
    credentials: credentialsOf('curfew'),
    properties: [
      authentication('curfew'),
      ...curfew.parameters.map((parameter) => property(parameter)),
      optionsCollection(),
    ],
  };
}

const logOutBase = {
  displayName: '',
  name: 'logOut',
  icon: icon('logout'),
  group: ['output'],
  version: 0,
  subtitle: '',
  description: '',
  defaults: {},
  inputs: [main],
  outputs: [main],
  usableAsTool: true,
};

/**
 * If each choice of a field has a credential, n8n's editor moves the field from the panel into the dialogue of the
 * credentials, and hides the fields that it depends on. That would hide the service, and nobody could choose it. So the
 * field has one more choice, which belongs to no credential and is never shown.
 */
function inPanel(field: Record<string, unknown>): object {
  const never = { name: 'None', value: 'none', displayOptions: { show: { service: ['none'] } } };
  return { ...field, options: sorted([...(field['options'] as { name: string }[]), never]) };
}

type Show = Readonly<Record<string, readonly unknown[]>>;

/** Whether there is a choice to make. Otherwise the credential belongs to the service, whatever was chosen for another. */
const hasSeveralWays = ({ credentials }: Service) => credentials.length > 1;

function credentialsOf(service: string, show: Show = {}): object[] {
  const found = services.find(({ name }) => name === service);
  if (!found) throw new Error(`no service is named ${service}`);
  return found.credentials.map(({ name, way }) => ({
    name,
    required: true,
    // The name of the function is that of the credential.
    testedBy: name,
    displayOptions: { show: { ...show, ...(hasSeveralWays(found) && { authentication: [way] }) } },
  }));
}

function authentication(service: string, show?: Show): Record<string, unknown> {
  const found = services.find(({ name }) => name === service);
  return {
    displayName: 'Authentication',
    name: 'authentication',
    type: 'options',
    noDataExpression: true,
    options: sorted((found?.credentials ?? []).map(({ way, wayLabel }) => ({ name: wayLabel, value: way }))),
    default: 'token',
    ...(show && { displayOptions: { show } }),
  };
}

function operationProperty(resource: ResourceName): object {
  const ofResource = operations.filter((operation) => operation.resource === resource);
  return {
    displayName: 'Operation',
    name: 'operation',
    type: 'options',
    noDataExpression: true,
    displayOptions: { show: { resource: [resource] } },
    options: sorted(
      ofResource.map(({ name, label, action, help }) => ({
        name: label,
        value: name,
        description: firstSentence(help),
        action,
      })),
    ),
    default: ofResource[0]?.name,
  };
}

/** The parameters, each once for all the operations that have it in the same form. */
function parametersOfOperations(): object[] {
  const groups = new Map<string, { parameter: Parameter; of: Operation[] }>();
  for (const operation of operations) {
    for (const parameter of operation.parameters.filter(({ extra }) => !extra)) {
      const key = JSON.stringify(parameter);
      const group = groups.get(key) ?? { parameter, of: [] };
      group.of.push(operation);
      groups.set(key, group);
    }
  }
  const shared = [...groups.values()].flatMap(({ parameter, of }) => {
    const several = of.filter(({ inputs }) => inputs === 'several');
    const field = property(parameter, shownFor(of));
    return several.length === 0 ? [field] : fromInputs(parameter, field, shownFor(several));
  });
  const further = operations.flatMap((operation) => {
    const extras = operation.parameters.filter(({ extra }) => extra);
    if (extras.length === 0) return [];
    const isFilter = operation.outputs[0]?.name === 'sessions';
    return {
      displayName: isFilter ? 'Filters' : 'Additional Fields',
      name: 'additionalFields',
      type: 'collection',
      placeholder: isFilter ? 'Add Filter' : 'Add Field',
      default: {},
      displayOptions: { show: { resource: [operation.resource], operation: [operation.name] } },
      options: byDisplayName(extras.map((parameter) => property(parameter))),
    };
  });
  return [...shared, ...further];
}

const shownFor = (of: readonly Operation[]): Show => ({
  resource: [...new Set(of.map(({ resource }) => resource))],
  operation: of.map(({ name }) => name),
});

const inputNumbers = Array.from({ length: maxInputs }, (_, i) => i + 1);
/** Shown only if there are several inputs to choose from. */
const whereSeveral: Show = { numberInputs: inputNumbers.slice(1) };

/** The fields that determine which items of several inputs belong together. */
function pairingProperties(several: readonly string[]): object[] {
  const show = { operation: several, ...whereSeveral };
  return [
    {
      displayName: 'Pair Items By',
      name: 'pairItemsBy',
      type: 'options',
      noDataExpression: true,
      options: [
        { name: 'Key', value: 'key', description: 'Items with the same key belong together' },
        {
          name: 'Position',
          value: 'place',
          description: 'The first items of all inputs belong together, then the second',
        },
      ],
      default: 'place',
      displayOptions: { show },
      description:
        'Which items of the inputs belong together. By key, the node runs once for each item of input 1; by position, once for each item of the longest input, and an input with one item serves all.',
    },
    {
      displayName: 'Key Field',
      name: 'pairKey',
      type: 'string',
      noDataExpression: true,
      required: true,
      default: 'userId',
      placeholder: 'e.g. userId',
      displayOptions: { show: { ...show, pairItemsBy: ['key'] } },
      description: 'A field in the items of every input, which is the same in items that belong together',
    },
  ];
}

/** A parameter with the choice to take it from an input, if there are several. */
function fromInputs({ name, label }: Parameter, field: Record<string, unknown>, show: Show): object[] {
  const inputs = inputNumbers.map((number) => `input${number}`);
  return [
    {
      displayName: `${label} From`,
      name: inputNameOf(name),
      type: 'options',
      noDataExpression: true,
      options: [
        ...inputNumbers.map((number) => ({
          name: `Input ${number}`,
          value: `input${number}`,
          // No more inputs than there are.
          ...(number > 2 && { displayOptions: { show: { numberInputs: inputNumbers.slice(number - 1) } } }),
        })),
        { name: 'The Field Below', value: 'below' },
      ],
      default: 'below',
      displayOptions: { show: { ...show, ...whereSeveral } },
      description: `Where “${label}” comes from: a field of an item of an input, or the field below`,
    },
    {
      ...field,
      displayOptions: { ...(field['displayOptions'] as object), hide: { [inputNameOf(name)]: inputs } },
    },
    {
      displayName: `Field of ${label}`,
      name: fieldNameOf(name),
      type: 'string',
      noDataExpression: true,
      required: true,
      default: name === 'sessionToken' ? 'token' : name,
      placeholder: 'e.g. userId',
      displayOptions: { show: { ...show, ...whereSeveral, [inputNameOf(name)]: inputs } },
      description: 'The field of the item of that input; use a dot for a nested field, as in user.name',
    },
  ];
}

/** An option of the operations that output a list: a flow stops if there are no items. */
function emptyItem(): Record<string, unknown> {
  const lists = operations.filter(({ outputs }) => outputs.some(({ name }) => name === 'sessions'));
  return {
    displayName: 'Empty Item for No Sessions',
    name: 'emptyItem',
    type: 'boolean',
    default: false,
    description: 'Whether to output one empty item if there are no sessions, so that the workflow continues',
    displayOptions: { show: { '/operation': lists.map(({ name }) => name) } },
  };
}

function optionsCollection(more: Record<string, unknown>[] = []): object {
  return {
    displayName: 'Options',
    name: 'options',
    type: 'collection',
    placeholder: 'Add Option',
    default: {},
    options: byDisplayName([...requestOptions.map((parameter) => property(parameter)), ...more]),
  };
}

// ---- A parameter

function property(parameter: Parameter, show: Show = {}): Record<string, unknown> {
  const { name, label, help, kind, required, fallback, placeholder, from, min, max, choices, when } = parameter;
  const conditions = { ...show, ...when };
  // n8n gives a number that was not filled in its default, also if that is not allowed, so it must be.
  const integer = placeholder === undefined ? Math.max(0, min ?? 0) : Number(placeholder);
  const emptyOf = { integer, flag: false, json: '{}', choice: choices?.[0]?.value } as Record<string, unknown>;
  return {
    displayName: label,
    name,
    type: typeOf[kind],
    ...(kind === 'secret' && { typeOptions: { password: true } }),
    ...(kind === 'integer' && { typeOptions: { minValue: min, maxValue: max } }),
    ...(choices && {
      options: sorted(choices.map(({ value, label, help }) => ({ name: label, value, description: help }))),
    }),
    required,
    default: from === undefined ? (fallback ?? emptyOf[kind] ?? '') : `={{ $json.${from} }}`,
    placeholder: placeholder === undefined ? undefined : `e.g. ${placeholder}`,
    description: help,
    ...(Object.keys(conditions).length > 0 && { displayOptions: { show: conditions } }),
  };
}

const typeOf: Readonly<Record<Parameter['kind'], string>> = {
  text: 'string',
  secret: 'string',
  texts: 'string',
  integer: 'number',
  flag: 'boolean',
  choice: 'options',
  json: 'json',
};

const sorted = <Item extends { name: string }>(items: Item[]) =>
  items.toSorted((one, other) => one.name.localeCompare(other.name, 'en'));
const byDisplayName = (items: Record<string, unknown>[]) =>
  items.toSorted((one, other) => String(one['displayName']).localeCompare(String(other['displayName']), 'en'));
const firstSentence = (text: string) => (text.split(/(?<=\.)\s/)[0] ?? text).replace(/\.$/, '');

// ---- The credentials

function credentialFile({ name: packageName }: Package, credential: Credential): string {
  const { name, label, fields, signIn } = credential;
  const properties = [
    ...[...fields, ignoreTlsField].map((field) => property(field)),
    ...(signIn ? [...signIn.gives, sessionUrl] : []).map((given, i) => ({
      displayName: given,
      name: given,
      type: 'hidden',
      ...(i === 0 && { typeOptions: { expirable: true, password: true } }),
      default: '',
    })),
  ];
  const types = [
    'IAuthenticate',
    'ICredentialDataDecryptedObject',
    'ICredentialType',
    'IHttpRequestHelper',
    'Icon',
    'INodeProperties',
  ].filter((type) => signIn || (type !== 'IHttpRequestHelper' && type !== 'ICredentialDataDecryptedObject'));
  return `${note}import { authenticateWith${signIn ? ', signInWith' : ''} } from 'curfew-nodes-n8n/credentials';
import type {
${types.map((type) => `\t${type},\n`).join('')}} from 'n8n-workflow';

export class ${className(credential)} implements ICredentialType {
	name = '${name}';

	displayName = '${label}';

	documentationUrl = '${pageOf(packageName)}#credentials';

	icon: Icon = ${literal({ light: 'file:../icons/credential.svg', dark: 'file:../icons/credential.dark.svg' }, 1)};

	properties: INodeProperties[] = ${literal(properties, 1)};
${
  signIn
    ? `
	async preAuthentication(this: IHttpRequestHelper, credentials: ICredentialDataDecryptedObject) {
		return await signInWith('${name}', this, credentials);
	}
`
    : ''
}
	authenticate: IAuthenticate = authenticateWith('${name}');
}
`;
}
