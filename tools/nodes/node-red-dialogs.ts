import {
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
import { credentialFields, parametersOf } from './node-red-common.ts';

/* The dialogues of Node-RED's editor. Their texts are keys of the catalog. */

/** The dialogue of every type. */
export function dialogs(): string[] {
  return [...services.map(serverTemplate), ...operations.map(operationTemplate), logOutTemplate()];
}

export const style = `<style>
  .curfew-fields { margin: 12px 0; border-top: 1px solid var(--red-ui-secondary-border-color); padding-top: 8px; }
  .curfew-fields summary { cursor: pointer; margin-bottom: 10px; font-weight: bold; }
  .curfew-form .form-row label { width: 132px; vertical-align: middle; }
  .curfew-form .form-row input[type=text], .curfew-form .form-row input[type=password], .curfew-form .form-row input[type=number], .curfew-form .form-row select { width: calc(100% - 140px); }
  .curfew-form .form-row .red-ui-typedInput-container { width: calc(100% - 140px) !important; }
  .curfew-form .form-row > label + div { display: inline-flex !important; width: calc(100% - 140px) !important; }
  .curfew-form .form-row > label + div.red-ui-typedInput-container { display: inline-block !important; }
  .curfew-form .form-row input[type=checkbox] { width: auto; margin: 0 6px 0 0; }
  .curfew-form .form-row label.curfew-check { width: auto; }
  .curfew-good { color: var(--red-ui-text-color-success, #2a7a2a); }
  .curfew-bad { color: var(--red-ui-text-color-error, #a33); }
</style>
`;

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
