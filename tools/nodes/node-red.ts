import { readFileSync } from 'node:fs';
import {
  errorsOutput,
  ignoreTlsField,
  maxInputs,
  type Operation,
  operations,
  type Parameter,
  requestOptions,
  type Service,
  serverTypeOf,
  serviceParameter,
  services,
  typeOf,
} from 'curfew-nodes';

/* Node-RED's editors, their texts and the help in the sidebar, from the declarations. */

const root = 'packages/node-red-curfew';
const note = '<!-- Written by tools/generate.ts from the declarations in packages/nodes. Do not edit. -->\n';

export function nodeRedFiles(): Map<string, string> {
  const editor = readFileSync(`${root}/editor/editor.js`, 'utf8');
  const specs = [...services.map(serverSpec), ...operations.map(operationSpec), logOutSpec()];
  // Text of a script: what ends one must not stand in it.
  const json = JSON.stringify(specs, null, 1).replaceAll('</', '<\\/');
  const templates = [...services.map(serverTemplate), ...operations.map(operationTemplate), logOutTemplate()];
  return new Map([
    [
      `${root}/curfew.html`,
      `${note}${style}<script type="text/javascript">\n${editor.replace('SPECIFICATIONS', () => json)}</script>\n${templates.join('')}`,
    ],
    [`${root}/locales/en-US/curfew.json`, `${JSON.stringify(catalog(), null, 2)}\n`],
    [`${root}/locales/en-US/curfew.html`, `${note}${helpPages().join('')}`],
  ]);
}

const style = `<style>
  .curfew-fields { margin: 12px 0; border-top: 1px solid var(--red-ui-secondary-border-color); padding-top: 8px; }
  .curfew-fields summary { cursor: pointer; margin-bottom: 10px; font-weight: bold; }
  .curfew-form .form-row label { width: 132px; vertical-align: middle; }
  .curfew-form .form-row input[type=text], .curfew-form .form-row input[type=password], .curfew-form .form-row input[type=number], .curfew-form .form-row select { width: calc(100% - 140px); }
  .curfew-form .form-row .red-ui-typedInput-container { width: calc(100% - 140px) !important; }
  .curfew-form .form-row input[type=checkbox] { width: auto; margin: 0 6px 0 0; }
  .curfew-form .form-row label.curfew-check { width: auto; }
  .curfew-good { color: var(--red-ui-text-color-success, #2a7a2a); }
  .curfew-bad { color: var(--red-ui-text-color-error, #a33); }
</style>
`;

// ---- What the editor's script is told

type Field = {
  name: string;
  kind: Parameter['kind'];
  required?: true;
  value: unknown;
  /** The kinds of value that can be put in; without, the field is fixed. */
  types?: readonly string[];
  type?: string | undefined;
  min?: number;
  max?: number;
  when?: Parameter['when'];
};

function operationSpec(operation: Operation): object {
  return {
    type: typeOf(operation.name),
    palette: paletteOf(operation.label),
    outputs: operation.outputs.map(({ label }) => label),
    servers: [{ name: 'server', type: serverTypeOf('curfew') }],
    fields: operation.parameters.map((parameter) => fieldOf(parameter)),
    conditions: conditionsOf(operation.parameters),
    several: operation.inputs === 'several' ? maxInputs : undefined,
    options: requestOptions.map(optionOf),
  };
}

function logOutSpec(): object {
  const parameters = services.flatMap((service) => parametersOf(service));
  return {
    type: typeOf('logOut'),
    palette: 'log out',
    service: true,
    outputs: ['Logged Out'],
    servers: services.map(({ name }) => ({
      name: `${name}Server`,
      type: serverTypeOf(name),
      when: { service: [name] },
    })),
    fields: [fieldOf(serviceParameter), ...parameters.map((parameter) => fieldOf(parameter))],
    conditions: [serviceParameter.name, ...conditionsOf(parameters)],
    options: requestOptions.map(optionOf),
  };
}

function serverSpec({ name, label, credentials }: Service): object {
  return {
    type: serverTypeOf(name),
    palette: label,
    ofService: name,
    ways: credentials.map(({ way, fields }) => ({
      way,
      fields: [...fields, ignoreTlsField].map((field) => field.name),
    })),
    fields: credentialFields({ credentials }).map(optionOf),
  };
}

/** The parameters of a service count only while it is chosen. */
function parametersOf({ name, parameters }: Service): Parameter[] {
  return parameters.map((parameter) => ({ ...parameter, when: { service: [name], ...parameter.when } }));
}

const conditionsOf = (parameters: readonly Parameter[]) => [
  ...new Set(parameters.flatMap(({ when }) => Object.keys(when ?? {}))),
];

/** All fields of the ways to sign in to a service, each once. */
function credentialFields({ credentials }: Pick<Service, 'credentials'>): Parameter[] {
  const all = [...credentials.flatMap(({ fields }) => fields), ignoreTlsField];
  return [...new Map(all.map((field) => [field.name, field])).values()];
}

function fieldOf(parameter: Parameter): Field {
  const { kind, fallback, from, required, extra, name } = parameter;
  if (kind === 'choice' || kind === 'flag') return optionOf(parameter);
  // What must be given comes with the message as a rule; by what other nodes put out, under these names.
  const incoming = from ?? (required && !extra ? (usual[name] ?? name) : undefined);
  const types = typesOf[kind];
  return {
    ...optionOf(parameter),
    types,
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

function optionOf({ name, kind, required, fallback, min, max, when, choices }: Parameter): Field {
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
  secret: ['str', 'msg', ...contextual],
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

// ---- The dialogues

const key = (...path: string[]) => `data-i18n="curfew.${path.join('.')}"`;

function operationTemplate(operation: Operation): string {
  const { parameters } = operation;
  const extras = parameters.filter(({ extra }) => extra);
  return template(typeOf(operation.name), [
    row('node-input', 'server', 'server', input('node-input', 'server')),
    ...parameters.filter(({ extra }) => !extra).map((parameter) => parameterRow(parameter)),
    ...(extras.length > 0
      ? [
          details(
            'further',
            extras.map((parameter) => parameterRow(parameter)),
          ),
        ]
      : []),
    ...(operation.inputs === 'several' ? [severalRows()] : []),
    errorsRow(operation.outputs.length),
    optionsRows(),
  ]);
}

function logOutTemplate(): string {
  const parameters = services.flatMap((service) => parametersOf(service));
  return template(typeOf('logOut'), [
    parameterRow(serviceParameter),
    ...services.map(({ name }) => row('node-input', `${name}Server`, 'server', input('node-input', `${name}Server`))),
    ...parameters.map((parameter) => parameterRow(parameter)),
    errorsRow(1),
    optionsRows(),
  ]);
}

function serverTemplate(service: Service): string {
  const { credentials } = service;
  const ways = credentials.map(({ way }) => `<option value="${way}" ${key('servers', service.name, way)}></option>`);
  const way =
    ways.length > 1
      ? [row('node-config-input', 'way', 'way', `<select id="node-config-input-way">${ways.join('')}</select>`)]
      : [];
  const fields = credentialFields(service).map((field) =>
    parameterRow(field, 'node-config-input', `servers.${service.name}.fields.${field.name}`),
  );
  const button = `  <div class="form-row">
    <label></label>
    <button type="button" class="red-ui-button curfew-test" ${key('test', 'button')}></button>
    <span class="curfew-test-result" role="status"></span>
  </div>
`;
  return template(serverTypeOf(service.name), [...way, ...fields, button], 'node-config-input');
}

function template(type: string, rows: readonly string[], prefix: Prefix = 'node-input'): string {
  return `
<script type="text/html" data-template-name="${type}">
<div class="curfew-form">
${row(prefix, 'name', 'name', input(prefix, 'name', `placeholder="" ${'data-i18n="[placeholder]curfew.common.name"'}`))}${rows.join('')}</div>
</script>
`;
}

type Prefix = 'node-input' | 'node-config-input';

const input = (prefix: Prefix, name: string, more = '') =>
  `<input type="text" id="${prefix}-${name}"${more && ` ${more}`}>`;

function row(prefix: Prefix, name: string, label: string, control: string, path = `common.${label}`): string {
  return `  <div class="form-row curfew-row-${name}">
    <label for="${prefix}-${name}"><span ${key(path)}></span></label>
    ${control}
  </div>
`;
}

function parameterRow(
  parameter: Parameter,
  prefix: Prefix = 'node-input',
  path = `parameters.${parameter.name}`,
): string {
  const { name, kind, choices = [], required, placeholder = '' } = parameter;
  if (kind === 'flag') {
    return `  <div class="form-row curfew-row-${name}">
    <label></label>
    <label class="curfew-check" for="${prefix}-${name}"><input type="checkbox" id="${prefix}-${name}"><span ${key(path)}></span></label>
  </div>
`;
  }
  if (kind === 'choice') {
    const none = required ? '' : '<option value=""></option>';
    const options = choices.map(({ value }) => `<option value="${value}" ${key('choices', name, value)}></option>`);
    return row(prefix, name, name, `<select id="${prefix}-${name}">${none}${options.join('')}</select>`, path);
  }
  const hint = placeholder === '' ? '' : ` placeholder="${placeholder}"`;
  if (prefix === 'node-config-input') {
    const type = kind === 'secret' ? 'password' : 'text';
    return row(prefix, name, name, `<input type="${type}" id="${prefix}-${name}"${hint}>`, path);
  }
  const control = `<input type="text" id="${prefix}-${name}"${hint}><input type="hidden" id="${prefix}-${name}Type">`;
  return row(prefix, name, name, control, path);
}

function details(label: string, rows: readonly string[]): string {
  return `  <details class="curfew-fields"><summary ${key('common', label)}></summary>
${rows.join('')}  </details>
`;
}

function severalRows(): string {
  const counts = Array.from({ length: maxInputs }, (_, i) => `<option value="${i + 1}">${i + 1}</option>`);
  const count = row(
    'node-input',
    'inputCount',
    'inputCount',
    `<select id="node-input-inputCount">${counts.join('')}</select>`,
  );
  const timeout = row(
    'node-input',
    'inputTimeout',
    'inputTimeout',
    '<input type="number" min="1" id="node-input-inputTimeout">',
  );
  return count + timeout.replace('form-row', 'form-row curfew-several');
}

function errorsRow(outputs: number): string {
  const options = ['automatic', 'manual'].map((way) => `<option value="${way}" ${key('errors', way)}></option>`);
  const control = `<select id="node-input-errorManagement">${options.join('')}</select><input type="hidden" id="node-input-outputs" value="${outputs}">`;
  return row('node-input', 'errorManagement', 'errors', control);
}

function optionsRows(): string {
  const rows = requestOptions.map((option) => {
    if (option.kind === 'flag') return parameterRow(option);
    const { name, kind, placeholder = '', min } = option;
    const type = kind === 'integer' ? `number" min="${min}` : 'text';
    const control = `<input type="${type}" id="node-input-${name}" placeholder="${placeholder}">`;
    return row('node-input', name, name, control, `parameters.${name}`);
  });
  return details('options', rows);
}

// ---- The texts

function catalog(): object {
  const parameters = [
    ...operations.flatMap((operation) => operation.parameters),
    serviceParameter,
    ...services.flatMap((service) => service.parameters),
    ...requestOptions,
  ];
  const chosen = [...parameters, ...services.flatMap(credentialFields)].filter(({ choices }) => choices);
  return {
    curfew: {
      common: {
        name: 'Name',
        server: 'Server',
        way: 'Sign in by',
        further: 'Further fields',
        options: 'Request options',
        inputCount: 'Messages to wait for',
        inputTimeout: 'Wait at most (ms)',
        errors: 'Error management',
      },
      errors: {
        automatic: 'Automatic: the flow stops, a Catch node can take over',
        manual: 'Manual: as well on an output of its own',
      },
      outputs: { errors: errorsOutput.label },
      status: { working: 'working …', waiting: '__taken__ of __count__ messages' },
      test: { button: 'Test', running: 'Asking …', failed: 'The runtime did not answer' },
      parameters: Object.fromEntries(parameters.map(({ name, label }) => [name, sentence(label)])),
      choices: Object.fromEntries(
        chosen.map(({ name, choices = [] }) => [
          name,
          Object.fromEntries(choices.map(({ value, label }) => [value, label])),
        ]),
      ),
      servers: Object.fromEntries(
        services.map((service) => [
          service.name,
          {
            ...Object.fromEntries(service.credentials.map(({ way, wayLabel }) => [way, wayLabel])),
            fields: Object.fromEntries(credentialFields(service).map(({ name, label }) => [name, sentence(label)])),
          },
        ]),
      ),
    },
  };
}

/** Node-RED's labels are written as sentences are: `Session user ID`. */
function sentence(label: string): string {
  const kept = /^(ID|SSL|TOTP|URL|API|IP|JSON|OAuth|\(Insecure\)|Directus|WAHA)$/;
  return label
    .split(' ')
    .map((word, i) => (i === 0 || kept.test(word) ? word : word.toLowerCase()))
    .join(' ');
}

// ---- The help

function helpPages(): string[] {
  return [
    ...operations.map((operation) =>
      page(typeOf(operation.name), [
        `<p>${operation.help}</p>`,
        section('Inputs', operation.parameters.map(parameterHelp)),
        outputsHelp(operation.outputs.map(({ label, help }) => ({ label, help }))),
        ...(operation.inputs === 'several' ? [severalHelp] : []),
        errorsHelp,
        optionsHelp(),
      ]),
    ),
    page(typeOf('logOut'), [
      '<p>Ends a session in the chosen service.</p>',
      ...services.map(
        ({ label, help, parameters }) =>
          `<h3>${label}</h3><p>${help}</p><dl class="message-properties">${parameters.map(parameterHelp).join('')}</dl>`,
      ),
      outputsHelp([
        {
          label: 'Logged Out',
          help: '<code>msg.payload</code> holds <code>success</code>, <code>message</code> and <code>service</code> in any case, <code>sessionId</code> or <code>session</code> and the <code>receipt</code> where the service gives them, and its own answer under <code>response</code>.',
        },
      ]),
      errorsHelp,
      optionsHelp(),
    ]),
    ...services.map((service) =>
      page(serverTypeOf(service.name), [
        `<p>Where ${service.label} is, and how a node proves to it who asks. “Test” tries what stands in the dialogue.</p>`,
        section('Fields', credentialFields(service).map(parameterHelp)),
      ]),
    ),
  ];
}

function page(type: string, parts: readonly string[]): string {
  return `
<script type="text/html" data-help-name="${type}">
${parts.join('\n')}
</script>
`;
}

const section = (title: string, rows: readonly string[]) =>
  `<h3>${title}</h3>\n<dl class="message-properties">\n${rows.join('\n')}\n</dl>`;

function parameterHelp({ label, help, required, kind }: Parameter): string {
  const type = {
    text: 'string',
    secret: 'string',
    texts: 'string | array',
    integer: 'number',
    flag: 'boolean',
    choice: 'choice',
    json: 'object',
  }[kind];
  return `  <dt${required ? '' : ' class="optional"'}>${sentence(label)} <span class="property-type">${type}</span></dt>\n  <dd>${stop(help)}</dd>`;
}

const stop = (text: string) => (/[.>]$/.test(text) ? text : `${text}.`);

function outputsHelp(outputs: readonly { label: string; help: string }[]): string {
  const rows = outputs.map(
    ({ label, help }) =>
      `  <li>${label}<dl class="message-properties"><dt>payload <span class="property-type">object | array</span></dt><dd>${stop(help)}</dd></dl></li>`,
  );
  return `<h3>Outputs</h3>\n<ol class="node-ports">\n${rows.join('\n')}\n</ol>`;
}

const severalHelp = `<h3>Several inputs</h3>
<p>With more than one message to wait for, the node takes those with the same <code>msg.parts.id</code>, or the same <code>msg._msgid</code>, as one. It works on the first; <code>msg.inputs</code> holds all of them. What does not come in time is an error.</p>`;

const errorsHelp = `<h3>Errors</h3>
<p>An error stops the flow, and a Catch node gets it with its code. With manual management it comes out on a last output as well: <code>msg.errors</code> is a list of <code>code</code>, <code>message</code> and <code>origin</code> (<code>client</code>: what was sent has to change; <code>server</code>: try again later).</p>`;

const optionsHelp = () => section('Request options', requestOptions.map(parameterHelp));
