import {
  errorsOutput,
  operations,
  type Parameter,
  proxySignIn,
  requestOptions,
  serverTypeOf,
  serviceParameter,
  services,
  typeOf,
} from 'curfew-nodes';
import { credentialFields, sentence } from './node-red-common.ts';

/* The texts of Node-RED's editor: the catalog of labels, and the help in the sidebar. */

/** The tooltips of the fields that every node has. */
const common = {
  name: 'The name of the node in the flow',
  server: 'The server that receives the requests, with its credentials',
  way: 'How the nodes sign in to the service',
  inputCount: 'How many messages with the same msg.parts.id or _msgid the node combines',
  inputTimeout: 'How many milliseconds the first of them waits for the others before that is an error',
  errors: 'Whether errors go only to a Catch node, or also to a separate output',
};

/** Every label, by its key. */
export function catalog(): object {
  const parameters = [
    ...operations.flatMap((operation) => operation.parameters),
    serviceParameter,
    ...services.flatMap((service) => service.parameters),
    ...requestOptions,
    ...proxySignIn,
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
        automatic: 'Automatic: the flow stops',
        manual: 'Manual: an output for errors',
      },
      outputs: { errors: errorsOutput.label },
      status: { working: 'working …', waiting: '__taken__ of __count__ messages' },
      test: { button: 'Test', running: 'Asking …', failed: 'The runtime did not answer' },
      parameters: Object.fromEntries(parameters.map(({ name, label }) => [name, sentence(label)])),
      help: {
        common,
        parameters: Object.fromEntries(parameters.map(({ name, help }) => [name, stop(help)])),
        servers: Object.fromEntries(
          services.map((service) => [
            service.name,
            { fields: Object.fromEntries(credentialFields(service).map(({ name, help }) => [name, stop(help)])) },
          ]),
        ),
      },
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

// ---- The help

/** The help of every type. */
export function helpPages(): string[] {
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
          help: '<code>msg.payload</code> always holds <code>success</code>, <code>message</code> and <code>service</code>; if the service provides them, <code>sessionId</code> or <code>session</code> and the <code>receipt</code>; and the service’s own answer under <code>response</code>.',
        },
      ]),
      errorsHelp,
      optionsHelp(),
    ]),
    ...services.map((service) =>
      page(serverTypeOf(service.name), [
        `<p>The URL of ${service.label}, and the credentials for it. “Test” tries the values in the dialogue.</p>`,
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
<p>With more than one message to wait for, the node combines those with the same <code>msg.parts.id</code>, or the same <code>msg._msgid</code>. It works on the first; <code>msg.inputs</code> holds all of them. A message that does not arrive in time is an error.</p>`;

const errorsHelp = `<h3>Errors</h3>
<p>An error stops the flow, and a Catch node receives it with its code. With manual error management the last output has it as well: <code>msg.errors</code> is a list of <code>code</code>, <code>message</code> and <code>origin</code> (<code>client</code>: the request has to change; <code>server</code>: try again later).</p>`;

const optionsHelp = () => section('Request options', [...requestOptions, ...proxySignIn].map(parameterHelp));
