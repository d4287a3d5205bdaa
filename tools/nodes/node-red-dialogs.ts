import {
  maxInputs,
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
import { credentialFields, iconOf, parametersOf } from './node-red-common.ts';

/* Generates the dialogues of Node-RED's editor. Their texts are keys of the catalog. */

/** The dialogue of every type. */
export function dialogs(): string[] {
  return [...services.map(serverTemplate), ...operations.map(operationTemplate), logOutTemplate()];
}

export const style = `<style>
  .curfew-fields { margin: 12px 0; border-top: 1px solid var(--red-ui-secondary-border-color); padding-top: 8px; }
  .curfew-fields summary { cursor: pointer; margin-bottom: 10px; font-weight: bold; }
  .curfew-form .form-row label { width: 156px; vertical-align: middle; }
  .curfew-form .form-row label i.fa { width: 20px; margin-right: 2px; text-align: center; }
  .curfew-form .form-row input[type=text], .curfew-form .form-row input[type=password], .curfew-form .form-row input[type=number], .curfew-form .form-row select { width: calc(100% - 164px); }
  .curfew-form .form-row .red-ui-typedInput-container { width: calc(100% - 164px) !important; }
  .curfew-form .form-row .red-ui-typedInput-container input { width: 100%; }
  .curfew-form .form-row > label + div { display: inline-flex !important; width: calc(100% - 164px) !important; }
  .curfew-form .form-row > label + div.red-ui-typedInput-container { display: inline-block !important; }
  .curfew-form .form-row input[type=checkbox] { width: auto; margin: 0 6px 0 0; }
  .curfew-form .form-row label.curfew-check { width: auto; }
  .curfew-form .curfew-row-test { display: flex; align-items: baseline; }
  .curfew-form .curfew-row-test label { flex-shrink: 0; }
  .curfew-form .curfew-row-test span { margin-left: 10px; }
  .curfew-good { color: var(--red-ui-text-color-success, #2a7a2a); }
  .curfew-bad { color: var(--red-ui-text-color-error, #a33); }
</style>
`;

const key = (...path: string[]) => `data-i18n="curfew.${path.join('.')}"`;
const title = (path: string) => `data-i18n="[title]curfew.help.${path}"`;

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
  const button = `  <div class="form-row curfew-row-test">
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
    <label for="${prefix}-${name}" ${title(path)}><i class="fa fa-${iconOf(name)}"></i> <span ${key(path)}></span></label>
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
    <label class="curfew-check" for="${prefix}-${name}" ${title(path)}><input type="checkbox" id="${prefix}-${name}"><span ${key(path)}></span></label>
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
  const secret = kind === 'secret' ? `<input type="hidden" id="${prefix}-${secretOf(name)}">` : '';
  const control = `<input type="text" id="${prefix}-${name}"${hint}><input type="hidden" id="${prefix}-${name}Type">${secret}`;
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
  const options = requestOptions.flatMap((option) => (option.name === 'proxy' ? [option, ...proxySignIn] : [option]));
  const rows = options.map((option) => {
    if (option.kind === 'flag') return parameterRow(option);
    const { name, kind, min } = option;
    const type = { integer: `number" min="${min}`, secret: 'password' }[kind as string] ?? 'text';
    // Here, user and password have their own fields.
    const placeholder = option.placeholder?.replace('user:password@', '') ?? '';
    const control = `<input type="${type}" id="node-input-${name}" placeholder="${placeholder}">`;
    return row('node-input', name, name, control, `parameters.${name}`);
  });
  return details('options', rows);
}
