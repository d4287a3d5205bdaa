import { type Operation, operations, type Parameter, requestOptions, resources, services } from 'curfew-nodes';

/** `docs/nodes.md`: what the nodes do, from the declarations. */
export function nodesPage(): string {
  const sections = (Object.keys(resources) as (keyof typeof resources)[]).toReversed().map((resource) => {
    const rows = operations.filter((operation) => operation.resource === resource).map(operationRow);
    return `### ${resources[resource].label}\n\n| operation | inputs | parameters (required *) | outputs |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `<!-- Written by tools/generate.ts from the code. Do not edit. -->

# Workflow nodes

One declaration of each operation serves [n8n](../packages/n8n-nodes-curfew/README.md) and
[Node-RED](../packages/node-red-curfew/README.md). In n8n, Log Out of Curfew comes with Curfew's package, Log Out of the others
with [n8n-nodes-log-out](../packages/n8n-nodes-log-out/README.md).

## Curfew

A session that a node puts out is the API's; beside a new or a refreshed one stand its \`token\` and \`refreshToken\`.

What goes wrong has a \`code\`, a \`message\` and an \`origin\`: \`client\` when what was sent has to change, \`server\` when
it can be tried again later. While errors are managed by hand, they leave by an output of their own: in n8n each as an
item with \`error\`, in Node-RED as a list in \`msg.errors\`.

${sections.join('\n')}
## Log Out

| service | what it does | parameters (required *) | credential |
|---|---|---|---|
${services
  .map(
    ({ label, help, parameters, credentials }) =>
      `| ${label} | ${help} | ${names(parameters)} | ${credentials.map(({ wayLabel, fields }) => `${wayLabel}: ${names(fields)}`).join('; or ')} |`,
  )
  .join('\n')}

Whatever the service, \`success\`, \`message\` and \`service\` come out, \`sessionId\` or \`session\` and the \`receipt\` where
the service tells them, and its own answer under \`response\`.

## Request options

| option | what it does |
|---|---|
${requestOptions.map(({ label, help }) => `| ${label} | ${help.replace(/\.$/, '')}. |`).join('\n')}
`;
}

function operationRow({ label, help, inputs, parameters, outputs }: Operation): string {
  return `| **${label}**. ${help} | ${inputs} | ${names(parameters)} | ${outputs.map((output) => output.label).join(', ')} |`;
}

const names = (parameters: readonly Parameter[]) =>
  [...new Set(parameters.map(({ label, required }) => (required ? `${label} *` : label)))].join(', ');
