import {
  type Credential,
  ignoreTlsField,
  maxInputs,
  type Operation,
  operations,
  type Parameter,
  type ResourceName,
  requestOptions,
  resources,
  serviceParameter,
  services,
  sessionUrl,
} from 'curfew-nodes';
import { Code, literal } from './literal.ts';
import { drawing } from './n8n-picture.ts';

/*
 * n8n's descriptions of the nodes and credentials, from the declarations: literal, because n8n's linter reads them as
 * they stand in the file.
 */

export const homepage = 'https://curfew.example';
const root = 'packages/n8n-nodes-curfew';
const note = '// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.\n';
const main = new Code('NodeConnectionTypes.Main');

export function n8nFiles(): Map<string, string> {
  const files = new Map<string, string>();
  files.set(`${root}/nodes/Curfew/Curfew.node.ts`, nodeFile('Curfew', curfewDescription(), 'runCurfew', 'curfew'));
  files.set(`${root}/nodes/LogOut/LogOut.node.ts`, nodeFile('LogOut', logOutDescription(), 'runLogOut', 'log-out'));
  for (const credential of services.flatMap((service) => service.credentials)) {
    files.set(`${root}/credentials/${className(credential)}.credentials.ts`, credentialFile(credential));
  }
  for (const [name, example] of [
    ['life', 'The life of a session'],
    ['inputs', 'Wait for two inputs'],
  ] as const) {
    files.set(`${root}/pictures/${name}.svg`, drawing(example));
  }
  return files;
}

/** The credentials of the package, as its manifest lists them. */
export const n8nCredentials: readonly string[] = services
  .flatMap((service) => service.credentials)
  .map((credential) => `dist/credentials/${className(credential)}.credentials.js`);

function className({ name }: Credential): string {
  return name[0]?.toUpperCase() + name.slice(1);
}

function nodeFile(name: string, description: object, run: string, module: string): string {
  const usesMain = literal(description).includes(main.text);
  return `${note}import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,${usesMain ? '\n\tNodeConnectionTypes,' : ''}
} from 'n8n-workflow';
import { ${run} } from '../../src/${module}.ts';

export class ${name} implements INodeType {
	description: INodeTypeDescription = ${literal(description, 1)};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await ${run}(this);
	}
}
`;
}

// ---- The nodes

const icon = (name: string) => ({ light: `file:${name}.svg`, dark: `file:${name}.dark.svg` });

function curfewDescription(): object {
  const labels = Object.fromEntries(operations.map(({ name, label }) => [name, label]));
  const outputs = Object.fromEntries(
    operations.map(({ name, outputs }) => [name, outputs.map(({ label }) => ({ type: 'main', displayName: label }))]),
  );
  const several = operations.filter(({ inputs }) => inputs === 'several').map(({ name }) => name);
  // How many inputs there are; the editor and the runner ask the same.
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
    requiredInputs: `={{ Array.from({ length: ${count} }, (_, i) => i) }}`,
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
        description:
          'How many inputs the node waits for. Expressions see the items of the same place as inputs[0], inputs[1] and so on.',
      },
      ...parametersOfOperations(),
      optionsCollection([emptyItem()]),
    ],
  };
}

function logOutDescription(): object {
  const labels = Object.fromEntries(services.map(({ name, label }) => [name, label]));
  return {
    displayName: 'Log Out',
    name: 'logOut',
    icon: icon('logout'),
    group: ['output'],
    version: 1,
    subtitle: `={{ ${JSON.stringify(labels)}[$parameter.service] }}`,
    description: 'End a session in Curfew, WAHA, Directus, Rocket.Chat, Altogic or an OAuth server',
    defaults: { name: 'Log Out' },
    inputs: [main],
    outputs: [main],
    usableAsTool: true,
    credentials: services.flatMap(({ name }) => credentialsOf(name, { service: [name] })),
    properties: [
      inPanel({ ...property(serviceParameter), noDataExpression: true }),
      ...services.map(({ name }) => inPanel(authentication(name, { service: [name] }))),
      ...services.flatMap(({ name, parameters }) =>
        parameters.map((parameter) => property(parameter, { service: [name] })),
      ),
      optionsCollection(),
    ],
  };
}

/**
 * n8n's editor moves a field out of the panel, into the dialogue of the credentials, when each of its choices has a
 * credential, and hides whatever that field depends on. Here the service would go: nobody could choose it. So the field
 * has a choice that no credential has, and that is never shown.
 */
function inPanel(field: Record<string, unknown>): object {
  const never = { name: 'None', value: 'none', displayOptions: { show: { service: ['none'] } } };
  return { ...field, options: sorted([...(field['options'] as { name: string }[]), never]) };
}

type Show = Readonly<Record<string, readonly unknown[]>>;

function credentialsOf(service: string, show: Show = {}): object[] {
  const found = services.find(({ name }) => name === service);
  if (!found) throw new Error(`no service is named ${service}`);
  return found.credentials.map(({ name, way }) => ({
    name,
    required: true,
    displayOptions: { show: { ...show, authentication: [way] } },
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

/** Each parameter once for all the operations that have it in the same form. */
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
  const shared = [...groups.values()].map(({ parameter, of }) =>
    property(parameter, {
      resource: [...new Set(of.map(({ resource }) => resource))],
      operation: of.map(({ name }) => name),
    }),
  );
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

/** Of the operations that put out a list: a flow ends where nothing comes out. */
function emptyItem(): Record<string, unknown> {
  const lists = operations.filter(({ outputs }) => outputs.some(({ name }) => name === 'sessions'));
  return {
    displayName: 'Empty Item for No Sessions',
    name: 'emptyItem',
    type: 'boolean',
    default: false,
    description: 'Whether to put out one empty item where there are no sessions, so that the workflow goes on',
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
  const emptyOf = { integer: 0, flag: false, json: '{}', choice: choices?.[0]?.value } as Record<string, unknown>;
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

function credentialFile(credential: Credential): string {
  const { name, label, fields, signIn, test } = credential;
  const url = test.without
    ? `={{ $credentials.${test.without.field} ? "${test.path}" : "${test.without.path}" }}`
    : test.path;
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
  const request = {
    baseURL: '={{ $credentials.url }}',
    url,
    method: test.method,
    headers: test.headers,
    body: test.body,
    skipSslCertificateValidation: '={{ $credentials.ignoreSslIssues }}',
  };
  const types = [
    'IAuthenticate',
    'ICredentialDataDecryptedObject',
    'ICredentialTestRequest',
    'ICredentialType',
    'IHttpRequestHelper',
    'Icon',
    'INodeProperties',
  ].filter((type) => signIn || (type !== 'IHttpRequestHelper' && type !== 'ICredentialDataDecryptedObject'));
  return `${note}import type {
${types.map((type) => `\t${type},\n`).join('')}} from 'n8n-workflow';
import { authenticateWith${signIn ? ', signInWith' : ''} } from '../src/credentials.ts';

export class ${className(credential)} implements ICredentialType {
	name = '${name}';

	displayName = '${label}';

	documentationUrl = '${homepage}/n8n#credentials';

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

	test: ICredentialTestRequest = ${literal({ request }, 1)};
}
`;
}
