import { type Operation, operations, type Parameter, requestOptions, resources, services } from 'curfew-nodes';

/** `docs/nodes.md`: what the nodes do, generated from the declarations. */
export function nodesPage(): string {
  const sections = (Object.keys(resources) as (keyof typeof resources)[]).toReversed().map((resource) => {
    const rows = operations.filter((operation) => operation.resource === resource).map(operationRow);
    return `### ${resources[resource].label}\n\n| operation | inputs | parameters (required *) | outputs |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `<!-- Written by tools/generate.ts from the code. Do not edit. -->

# Workflow nodes

[n8n](../packages/n8n-nodes-curfew/README.md) and [Node-RED](../packages/node-red-curfew/README.md) have the same operations.
In n8n, Log Out of Curfew is in Curfew's package, and Log Out of the other services in
[n8n-nodes-log-out](../packages/n8n-nodes-log-out/README.md).

## Curfew

The nodes output sessions as the API returns them; a new or refreshed session also has its \`token\` and \`refreshToken\`.

An error has a \`code\`, a \`message\` and an \`origin\`: \`client\` if the request has to change, \`server\` if it can be tried
again later. With manual error management, errors have a separate output: in n8n each is an item with \`error\`, in Node-RED
they are a list in \`msg.errors\`.

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

The output always has \`success\`, \`message\` and \`service\`; if the service provides them, \`sessionId\` or \`session\` and the
\`receipt\`; and the service's own answer under \`response\`.

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
