import { errors } from '../packages/curfew/src/errors.ts';
import { describeAccess } from '../packages/curfew/src/http/checks/index.ts';
import { commonErrors, errorsOf } from '../packages/curfew/src/http/openapi.ts';
import type { Operation } from '../packages/curfew/src/http/operation.ts';
import { operations } from '../packages/curfew/src/http/routes/index.ts';
import { components } from '../packages/curfew/src/http/schemas.ts';
import { exampleOf, propertiesOf, requiredOf, type Schema } from './schema.ts';

/*
 * The reference of the API: an overview, a page for each kind of operation, and one for the shapes that several of them
 * share. Every operation has an example for curl and one for TypeScript, made from the examples in its schemas.
 */

const types = components as readonly unknown[] as readonly (Schema & { $id: string })[];

export function apiPages(note: string): [path: string, text: string][] {
  const byTag = [...Map.groupBy(operations, ({ tag }) => tag)];
  return [
    ['docs/api.md', `${note}${overview(byTag)}`],
    ...byTag.map(([tag, ofTag]): [string, string] => [
      `docs/${pageOf(tag)}`,
      `${note}\n# ${tag}\n\nThe examples use the [variables and the client](../api.md#examples) of the overview.\n\n${ofTag.map(section).join('\n')}`,
    ]),
    ['docs/api/types.md', `${note}${typesPage()}`],
  ];
}

/** An operation's method and path, as its section is called. */
export const titleOf = ({ method, path }: Operation): string => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`;

const pageOf = (tag: string) => `api/${anchor(tag)}.md`;
/** As code hosts make it from a title. */
const anchor = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

function overview(byTag: [string, Operation[]][]): string {
  const tables = byTag.map(([tag, ofTag]) => {
    const rows = ofTag.map((operation) => {
      const link = `[\`${titleOf(operation)}\`](${pageOf(tag)}#${anchor(titleOf(operation))})`;
      return `| ${link} | \`${operation.id}\` | ${operation.summary} |`;
    });
    return `### ${tag}\n\n| call | in \`curfew-client\` | what it does |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `
# The API

The machine-readable form is [openapi.json](openapi.json); a running server has it at \`/openapi.json\`, and a page for
people at \`/docs\`. Errors are [problem documents](errors.md). Times are RFC 3339. Authenticate with
\`Authorization: Bearer\` and an API key or a session token, or with the cookie \`__Host-curfew\`.

Every call that ends or changes something returns a **receipt**. \`everywhere: true\` means: no verification that begins from
now on, on any machine, uses the previous state. \`?wait=stored\` answers earlier, as soon as the change is stored.
Such a call shows of a session only its id, name and status, and how it ended, unless the caller may see it anyway: with
\`sessions.read\`, as its user, or with its token, refresh token or alias.

There are also \`/healthz\`, \`/readyz\` and \`/metrics\` (Prometheus); see [operation](operation.md).

## Examples

Every call is shown with curl and with [\`curfew-client\`](../packages/client/README.md). For curl, set the address of the
server and an API key; a few calls need a session token or a [widget token](devices.md) instead:

\`\`\`sh
URL=http://127.0.0.1:2873
KEY=cfk_…
TOKEN=cfs_…
WIDGET=cfw_…
\`\`\`

For TypeScript, make a client. Each call takes one object with the fields of the path, the query and the body, and returns the
body of the answer:

\`\`\`ts
${clientLines}
\`\`\`

A person sends a second factor in the header \`x-2fa-code\`, or as \`{ code }\` after the fields. An error is thrown as a
\`CurfewApiError\`, with its \`code\`.

## Calls

${tables.join('\n')}
The shapes that several calls return have [a page of their own](api/types.md).

## Common errors

Most calls can also return these:

${errorTable(commonErrors, '')}
`;
}

/** What the examples for TypeScript begin with. */
export const clientLines = `import { createClient } from 'curfew-client';

const url = 'http://127.0.0.1:2873';
const curfew = createClient({ url, token: process.env['CURFEW_API_KEY'] });`;

function section(operation: Operation): string {
  const { id, summary, description, params, query, body, answer } = operation;
  const own = errorsOf(operation).filter((code) => !commonErrors.includes(code));
  const returned = `Returns ${answer.status}: ${answer.description}`;
  const otherwise = answer.otherwise ? ` ${answer.otherwise.status}: ${answer.otherwise.description}` : '';
  const common = `${own.length > 0 ? 'It can also return the' : 'It can return the'} [common ones](../api.md#common-errors).`;
  return `## ${titleOf(operation)}

**${summary}** (\`${id}\`).${description ? ` ${fromBelow(description)}` : ''}

${describeAccess(operation)}

\`\`\`sh
${curlExample(operation)}
\`\`\`

\`\`\`ts
${typeScriptExample(operation)}
\`\`\`
${fields('path', params)}${fields('query', query)}${fields('body', body)}
${returned}${otherwise}
${fields('answer', answer.schema)}${fields('header', answer.headers && { properties: answer.headers })}
${own.length > 0 ? `${errorTable(own, '../')}\n\n` : ''}${common}
`;
}

/** Descriptions link as from \`docs/\`. */
const fromBelow = (text: string) => text.replace(/\]\((?=[\w-]+\.md)/g, '](../');

/** The rows that describe the fields of an object; \`*\` marks those that are required. */
function fields(title: string, schema: unknown): string {
  const rows = Object.entries(propertiesOf(schema)).map(([name, property]) => {
    const required = title !== 'answer' && requiredOf(schema).includes(name) ? ' *' : '';
    const optional = title === 'answer' && !requiredOf(schema).includes(name) ? '?' : '';
    const text = [property['description'], defaultOf(property)].filter(Boolean).join(' ');
    return `| \`${name}\`${required}${optional} | ${typeOf(property)} | ${text.replaceAll('\n', ' ')} |`;
  });
  return rows.length === 0 ? '' : `\n| ${title} | type | what it is |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function typeOf(schema: Schema): string {
  const named = ((schema['$ref'] as string | undefined) ?? (schema['$id'] as string | undefined))?.replace(/#$/, '');
  if (named !== undefined) return `[${named}](types.md#${named.toLowerCase()})`;
  const values = schema['enum'] as string[] | undefined;
  if (values && values.length > 30) return 'string';
  if (values) return values.map((value) => `\`${value}\``).join(' \\| ');
  const union = schema['anyOf'] as Schema[] | undefined;
  if (union) return union.map(typeOf).join(' or ');
  if (schema['type'] === 'array') return `list of ${typeOf(schema['items'] as Schema)}`;
  const inside = Object.keys(propertiesOf(schema));
  if (inside.length > 0) return `object: ${inside.map((name) => `\`${name}\``).join(', ')}`;
  return String(schema['type'] ?? 'any');
}

function defaultOf(schema: Schema): string {
  return schema['default'] === undefined ? '' : `Default: \`${schema['default']}\`.`;
}

function errorTable(codes: readonly (keyof typeof errors)[], up: string): string {
  const rows = codes.map((code) => {
    const { status, title } = errors[code];
    return `| [\`${code}\`](${up}errors.md#${code}) | ${status} | ${title}. |`;
  });
  return `| error | status | what is wrong |\n|---|---|---|\n${rows.join('\n')}`;
}

function typesPage(): string {
  const sections = types.map(
    (type) => `## ${type.$id}\n\n${type['description']}\n${fields('field', type).replaceAll('types.md#', '#')}`,
  );
  return `
# Shapes

What several calls return. A field is absent if there is nothing to say, for instance \`endedAt\` before the end.

${sections.join('\n')}`;
}

// ---- The examples

/** The token that an operation is called with, as a variable of the shell. */
function credentialOf({ access, forProxies }: Operation): 'KEY' | 'TOKEN' | 'WIDGET' | undefined {
  if (forProxies || access === 'signed-in') return 'TOKEN';
  if (access === 'open') return undefined;
  return access === 'widget' ? 'WIDGET' : 'KEY';
}

export function curlExample(operation: Operation): string {
  const { method, path, params, query, body, access } = operation;
  const inPath = exampleOf(params);
  const search = new URLSearchParams(exampleOf(query) as Record<string, string>);
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(inPath[name])));
  const url = search.size > 0 ? `"$URL${filled}?${search}"` : `$URL${filled}`;
  const credential = credentialOf(operation);
  const options = [
    credential && `-H "authorization: Bearer $${credential}"`,
    access === 'widget' && "-H 'origin: https://app.example.com'",
    body && "-H 'content-type: application/json'",
    body && `-d '${json(exampleOf(body))}'`,
  ].filter(Boolean);
  const implied = method === (body ? 'POST' : 'GET');
  return [`curl -sw '\\n' ${implied ? '' : `-X ${method} `}${url}`, ...options].join(' \\\n  ');
}

export function typeScriptExample(operation: Operation): string {
  const { id, path, params, query, body, answer, access, forProxies } = operation;
  const credential = credentialOf(operation);
  if (forProxies) {
    const search = new URLSearchParams(exampleOf(query) as Record<string, string>);
    return `const { status, headers } = await fetch(\`\${url}${path}?${search}\`, {
  headers: { authorization: 'Bearer cfs_…' },
});
console.log(status, headers.get('x-curfew-user'));`;
  }
  const input = { ...exampleOf(params), ...exampleOf(query), ...exampleOf(body) };
  const given = Object.keys(input).length === 0 ? '' : literal(input);
  const names = Object.keys(propertiesOf(answer.schema));
  const client = credential === 'KEY' || access === 'open' ? 'curfew' : 'own';
  const made =
    client === 'own' ? `const own = createClient({ url, token: '${access === 'widget' ? 'cfw_…' : 'cfs_…'}' });\n` : '';
  const result = names.length > 0 ? `const ${destructured(names)} = ` : '';
  return `${made}${result}await ${client}.${id}(${given});`;
}

const destructured = (names: string[]) =>
  names.join(', ').length <= 60 ? `{ ${names.join(', ')} }` : `{ ${names.slice(0, 3).join(', ')}, ...rest }`;

/** JSON with spaces, as people write it. */
const json = (value: unknown) =>
  JSON.stringify(value, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/\[ /g, '[')
    .replace(/ \]/g, ']')
    .replace(/\{ /g, '{')
    .replace(/ \}/g, '}');

/** The same as a literal of TypeScript, in the style of this repository. */
const literal = (value: unknown) =>
  JSON.stringify(value, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/\[ /g, '[')
    .replace(/ \]/g, ']')
    .replace(/"(\w+)":/g, '$1:')
    .replaceAll('"', "'");
