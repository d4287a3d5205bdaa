import { readFileSync } from 'node:fs';
import {
  ignoreTlsField,
  type Operation,
  operations,
  type Parameter,
  proxySignIn,
  requestOptions,
  type Service,
  secretOf,
  serverTypeOf,
  serviceParameter,
  services,
  typeOf,
} from 'curfew-nodes';

import { Code, literal } from './literal.ts';
import { credentialFields, parametersOf } from './node-red-common.ts';
import { dialogs, style } from './node-red-dialogs.ts';
import { catalog, helpPages } from './node-red-texts.ts';

/* Generates Node-RED's editors, their texts and the help in the sidebar from the declarations. */

const root = 'packages/node-red-curfew';
const note = '<!-- Written by tools/generate.ts from the declarations in packages/nodes. Do not edit. -->\n';

export function nodeRedFiles(): Map<string, string> {
  const editor = readFileSync(`${root}/editor/editor.js`, 'utf8');
  const specs: Spec[] = [...services.map(serverSpec), ...operations.map(operationSpec), logOutSpec()];
  const byType = Object.fromEntries(specs.map(({ type, ...spec }) => [type, spec]));
  const script = [
    `const curfewEditor = ${editor.slice(editor.indexOf('(')).replace('SPECIFICATIONS', () => literal(byType))}`,
    ...specs.map((spec) => `RED.nodes.registerType('${spec.type}', ${literal(definition(spec))});`),
  ].join('\n');
  return new Map([
    [
      `${root}/curfew.html`,
      // The text is inside a script element, so it must not contain what ends one.
      `${note}${style}<script type="text/javascript">\n(() => {\n${script.replaceAll('</', '<\\/')}\n})();\n</script>\n${dialogs().join('')}`,
    ],
    [`${root}/locales/en-US/curfew.json`, `${JSON.stringify(catalog(), null, 2)}\n`],
    [`${root}/locales/en-US/curfew.html`, `${note}${helpPages().join('')}`],
  ]);
}

// ---- The specifications for the editor's script

type Field = {
  name: string;
  kind: Parameter['kind'];
  required?: true;
  value: unknown;
  /** The types of value that the field accepts; without them, the field is fixed. */
  types?: readonly string[];
  type?: string | undefined;
  min?: number;
  max?: number;
  when?: Parameter['when'];
  /** The credential that holds the typed value. */
  secret?: string;
};

type NodeSpec = {
  type: string;
  palette: string;
  color: string;
  icon: string;
  outputs: string[];
  servers: { name: string; type: string; when?: Parameter['when'] }[];
  fields: Field[];
  conditions: string[];
  several: boolean;
};

type ServerSpec = {
  type: string;
  palette: string;
  label: string;
  service: string;
  ways: { way: string; fields: string[] }[];
  fields: Field[];
};

type Spec = NodeSpec | ServerSpec;

function operationSpec(operation: Operation): NodeSpec {
  return {
    type: typeOf(operation.name),
    palette: paletteOf(operation.label),
    color: '#b9b3ee',
    icon: 'curfew.svg',
    outputs: operation.outputs.map(({ label }) => label),
    servers: [{ name: 'server', type: serverTypeOf('curfew') }],
    fields: [...operation.parameters.map(fieldOf), ...requestOptions.map(fixedField)],
    conditions: conditionsOf(operation.parameters),
    several: operation.inputs === 'several',
  };
}

function logOutSpec(): NodeSpec {
  const parameters = services.flatMap(parametersOf);
  return {
    type: typeOf('logOut'),
    palette: 'log out',
    color: '#e7b77c',
    icon: 'log-out.svg',
    outputs: ['Logged Out'],
    servers: services.map(({ name }) => ({
      name: `${name}Server`,
      type: serverTypeOf(name),
      when: { service: [name] },
    })),
    fields: [fieldOf(serviceParameter), ...parameters.map(fieldOf), ...requestOptions.map(fixedField)],
    conditions: [serviceParameter.name, ...conditionsOf(parameters)],
    several: false,
  };
}

function serverSpec({ name, label, credentials }: Service): ServerSpec {
  return {
    type: serverTypeOf(name),
    palette: `${label} server`,
    label,
    service: name,
    ways: credentials.map(({ way, fields }) => ({
      way,
      fields: [...fields, ignoreTlsField].map((field) => field.name),
    })),
    fields: credentialFields({ credentials }).map(fixedField),
  };
}

// ---- The definition of a type for Node-RED: literal, because its validator reads the source

function definition(spec: Spec): object {
  return 'ways' in spec ? serverDefinition(spec) : nodeDefinition(spec);
}

function nodeDefinition({ type, palette, color, icon, outputs, servers, fields, several }: NodeSpec): object {
  const call = (name: string) => new Code(`curfewEditor.${name}('${type}')`);
  const defaults: Record<string, unknown> = { name: { value: '' } };
  for (const { name, type: of, when } of servers) {
    const validate = new Code(`curfewEditor.validateServer(${JSON.stringify(when)})`);
    defaults[name] = when ? { type: of, required: false, validate } : { type: of, required: true };
  }
  for (const { name, value, types, type: of } of fields) {
    defaults[name] = { value, validate: new Code(`curfewEditor.validate('${type}', '${name}')`) };
    if (!types) continue;
    if (fields.some((field) => field.name === `${name}Type`))
      throw new Error(`${type}: ${name}Type is already the name of a parameter`);
    defaults[`${name}Type`] = { value: of };
  }
  if (several) Object.assign(defaults, { inputCount: { value: 1 }, inputTimeout: { value: 10_000 } });
  defaults['errorManagement'] = { value: 'automatic' };
  defaults['outputs'] = { value: outputs.length };
  return {
    category: 'curfew',
    color,
    icon,
    inputs: 1,
    outputs: outputs.length,
    defaults,
    credentials: {
      ...Object.fromEntries(fields.flatMap(({ secret }) => (secret ? [[secret, { type: 'password' }]] : []))),
      ...Object.fromEntries(
        proxySignIn.map(({ name, kind }) => [name, { type: kind === 'secret' ? 'password' : 'text' }]),
      ),
    },
    paletteLabel: palette,
    label: call('label'),
    labelStyle: new Code('curfewEditor.labelStyle'),
    outputLabels: call('outputLabels'),
    oneditprepare: call('prepare'),
    oneditsave: call('save'),
  };
}

function serverDefinition({ type, palette, ways, fields }: ServerSpec): object {
  const shown = fields.filter(({ kind }) => kind !== 'secret');
  return {
    category: 'config',
    defaults: {
      name: { value: '' },
      way: { value: ways[0]?.way },
      ...Object.fromEntries(
        shown.map(({ name, value }) => [name, { value, ...(name === 'url' && { required: true }) }]),
      ),
    },
    credentials: Object.fromEntries(
      fields.filter(({ kind }) => kind === 'secret').map(({ name }) => [name, { type: 'password' }]),
    ),
    paletteLabel: palette,
    label: new Code(`curfewEditor.serverLabel('${type}')`),
    oneditprepare: new Code(`curfewEditor.prepareServer('${type}')`),
  };
}

const conditionsOf = (parameters: readonly Parameter[]) => [
  ...new Set(parameters.flatMap(({ when }) => Object.keys(when ?? {}))),
];

function fieldOf(parameter: Parameter): Field {
  const { kind, fallback, from, required, extra, name } = parameter;
  if (kind === 'choice' || kind === 'flag') return fixedField(parameter);
  // Required values usually come with the message, under the names that other nodes output.
  const incoming = from ?? (required && !extra ? (usual[name] ?? name) : undefined);
  const types = typesOf[kind];
  return {
    ...fixedField(parameter),
    types,
    ...(kind === 'secret' && { secret: secretOf(name) }),
    type: incoming === undefined ? types[0] : 'msg',
    value: incoming === undefined ? (fallback ?? '') : `payload.${incoming}`,
  };
}

const usual: Readonly<Record<string, string>> = {
  sessionToken: 'token',
  sessionId: 'id',
  sessionName: 'name',
  curfewSessionId: 'id',
  curfewSessionName: 'name',
  curfewSessionToken: 'token',
  curfewRefreshToken: 'refreshToken',
  directusRefreshToken: 'refresh_token',
  rocketchatSessionId: 'sessionId',
  altogicSessionToken: 'token',
  oauthToken: 'token',
};

function fixedField({ name, kind, required, fallback, min, max, when, choices }: Parameter): Field {
  const value = fallback ?? (kind === 'flag' ? false : kind === 'choice' && required ? choices?.[0]?.value : '');
  return {
    name,
    kind,
    value,
    ...(required && { required }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(when && { when }),
  };
}

const contextual = ['flow', 'global', 'jsonata', 'env'];
const typesOf: Readonly<Record<'text' | 'secret' | 'texts' | 'integer' | 'json', readonly string[]>> = {
  text: ['str', 'msg', ...contextual],
  secret: ['cred', 'msg', ...contextual],
  texts: ['str', 'json', 'msg', ...contextual],
  integer: ['num', 'msg', ...contextual],
  json: ['json', 'msg', ...contextual],
};

const paletteOf = (label: string) =>
  label
    .replace('Get a Specific Session of User', 'get user session')
    .replace('Delete Specific Session of User', 'delete user session')
    .replace('Get All Sessions of User', 'get all user sessions')
    .replace('Delete All Sessions of User', 'delete all user sessions')
    .replace('Add Access Group to User Session', 'add access group')
    .replace('Remove Access Group From User Session', 'remove access group')
    .replace('Get Many', 'get sessions')
    .replace('Verify', 'verify session')
    .replace('Refresh', 'refresh session')
    .replace('End by', 'end session by')
    .toLowerCase()
    .replace(/\bid\b/, 'ID');
