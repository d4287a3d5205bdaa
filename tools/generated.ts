import { permissionTable } from '../packages/curfew/src/dialects/permission-table.ts';
import { assuranceLevels } from '../packages/curfew/src/domain/policy.ts';
import { errors } from '../packages/curfew/src/errors.ts';
import { describeAccess } from '../packages/curfew/src/http/checks/index.ts';
import { openApiDocument } from '../packages/curfew/src/http/document.ts';
import { commonErrors, errorsOf } from '../packages/curfew/src/http/openapi.ts';
import type { Operation } from '../packages/curfew/src/http/operation.ts';
import { operations } from '../packages/curfew/src/http/routes/index.ts';
import { components } from '../packages/curfew/src/http/schemas.ts';
import { options, shown } from '../packages/curfew/src/start/config.ts';
import { manifests } from './manifests.ts';
import { n8nFiles } from './nodes/n8n.ts';
import { nodeRedFiles } from './nodes/node-red.ts';
import { nodesPage } from './nodes/page.ts';
import { securityPage } from './security/page.ts';

/*
 * Everything that is written from the declarations in the code: the client's types and table, the OpenAPI document,
 * and the reference pages. Types are printed here, in the sixty lines below, because the tool for it needs an
 * interface of the TypeScript compiler that version 7 does not have.
 */

type Schema = { [key: string]: unknown };

export async function generated(): Promise<Map<string, string>> {
  return new Map([
    ['packages/client/src/api.gen.ts', clientSource()],
    ['docs/openapi.json', `${JSON.stringify(await openApiDocument(), null, 2)}\n`],
    ['docs/api.md', apiPage()],
    ['docs/errors.md', errorsPage()],
    ['docs/configuration.md', configurationPage()],
    ['docs/permissions.md', permissionsPage()],
    ['docs/nodes.md', nodesPage()],
    ['docs/security.md', securityPage(note)],
    ...manifests(),
    ...n8nFiles(),
    ...nodeRedFiles(),
  ]);
}

// ---- The client

function clientSource(): string {
  const types = (components as readonly unknown[] as readonly Schema[]).map(
    (component) => `${doc(component['description'])}export type ${component['$id']} = ${typeOf(component)};\n`,
  );
  const inputs = operations.map(
    (operation) => `${doc(operation.summary, '  ')}  ${operation.id}: {
    input: ${inputOf(operation)};
    output: ${operation.answer.schema ? typeOf(operation.answer.schema as Schema, 2) : 'undefined'};
  };`,
  );
  const table = operations.map(({ id, method, path, query, body, answer }) => {
    const names = Object.keys(propertiesOf(query as Schema | undefined)).map((name) => `'${name}'`);
    return `  ${id}: { method: '${method}', path: '${path}', query: [${names.join(', ')}], body: ${body !== undefined}${answer.otherwise ? `, otherwise: ${answer.otherwise.status}` : ''} },`;
  });
  return `// Written by tools/generate.ts from the declarations of the API. Do not edit.

${types.join('\n')}
/** What each operation takes and answers. */
export type Operations = {
${inputs.join('\n')}
};

/** How each operation is called. */
export const operations: {
  readonly [Name in keyof Operations]: {
    readonly method: string;
    readonly path: string;
    readonly query: readonly string[];
    readonly body: boolean;
    /** A status that is no success, and no error either. */
    readonly otherwise?: number;
  };
} = {
${table.join('\n')}
};
`;
}

/** Path, query and body in one object: no name may stand in two of them. */
function inputOf({ id, params, query, body }: Operation): string {
  const parts = [params, query, body].filter((part) => part !== undefined) as Schema[];
  const names = parts.flatMap((part) => Object.keys(propertiesOf(part)));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`${id}: ${twice} stands in two of path, query and body`);
  const properties = Object.assign({}, ...parts.map(propertiesOf));
  const required = parts.flatMap((part) => (part['required'] as string[] | undefined) ?? []);
  return typeOf({ type: 'object', properties, required }, 2);
}

function propertiesOf(schema: Schema | undefined): Record<string, Schema> {
  return (schema?.['properties'] as Record<string, Schema> | undefined) ?? {};
}

/** A JSON schema as a TypeScript type: what this API uses of both. */
function typeOf(schema: Schema, depth = 0): string {
  const ref = schema['$ref'] as string | undefined;
  if (ref !== undefined) return ref.replace(/#$/, '');
  const nested = schema['$id'] as string | undefined;
  if (nested !== undefined && depth > 0) return nested;
  const union = schema['anyOf'] as Schema[] | undefined;
  if (union) return union.map((part) => typeOf(part, depth)).join(' | ');
  const values = schema['enum'] as string[] | undefined;
  if (values) return values.map((value) => `'${value}'`).join(' | ');
  switch (schema['type']) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array': {
      const item = typeOf(schema['items'] as Schema, depth + 1);
      return item.includes('|') ? `(${item})[]` : `${item}[]`;
    }
    case 'object':
      return objectOf(schema, depth);
    default:
      return 'unknown';
  }
}

function objectOf(schema: Schema, depth: number): string {
  const properties = Object.entries(propertiesOf(schema));
  if (properties.length === 0)
    return schema['patternProperties'] ? '{ [key: string]: unknown }' : 'Record<string, never>';
  const required = (schema['required'] as string[] | undefined) ?? [];
  const indent = '  '.repeat(depth + 1);
  const lines = properties.map(([name, property]) => {
    const optional = !required.includes(name);
    const type = typeOf(property, depth + 1);
    return `${doc(property['description'], indent)}${indent}${name}${optional ? '?' : ''}: ${type}${optional ? ' | undefined' : ''};`;
  });
  return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`;
}

function doc(text: unknown, indent = ''): string {
  return typeof text === 'string' ? `${indent}/** ${text.replaceAll('*/', '*\\/')} */\n` : '';
}

// ---- The pages

const note = '<!-- Written by tools/generate.ts from the code. Do not edit. -->\n';

function apiPage(): string {
  const byTag = Map.groupBy(operations, ({ tag }) => tag);
  const sections = [...byTag].map(([tag, ofTag]) => `## ${tag}\n\n${ofTag.map(operationSection).join('\n')}`);
  return `${note}
# The API

The machine-readable form is [openapi.json](openapi.json); a running server shows it at \`/openapi.json\`, and to
people at \`/docs\`. Errors are [problem documents](errors.md). Times are RFC 3339. Authorization is
\`Authorization: Bearer\` with an API key or a session token, or the cookie \`__Host-curfew\`.

Every call that ends or changes something answers with a **receipt**. \`everywhere: true\` is the promise: no
verification that begins from now on, on any machine, answers by what was before. \`?wait=stored\` answers earlier, as
soon as it is stored.

Besides: \`/healthz\` (the process lives) and \`/metrics\` (Prometheus); see [operation](operation.md).

## Common errors

Most calls can return these besides their own: ${commonErrors.map(errorLink).join(', ')}.

${sections.join('\n')}`;
}

function operationSection(operation: Operation): string {
  const { id, method, path, summary, description, params, query, body, answer } = operation;
  const fields = (title: string, schema: Schema | undefined) => {
    const rows = Object.entries(propertiesOf(schema)).map(([name, property]) => {
      const required = ((schema?.['required'] as string[] | undefined) ?? []).includes(name);
      const text = [property['description'], defaultOf(property)].filter(Boolean).join(' ');
      return `| \`${name}\`${required ? ' *' : ''} | ${cell(plainType(property))} | ${cell(text)} |`;
    });
    return rows.length === 0 ? '' : `\n| ${title} | | |\n|---|---|---|\n${rows.join('\n')}\n`;
  };
  const own = errorsOf(operation).filter((code) => !commonErrors.includes(code));
  return `### ${method} ${path.replace(/:(\w+)/g, '{$1}')}

**${summary}** (\`${id}\`). ${description ?? ''}

${describeAccess(operation)}
${fields('path', params as Schema | undefined)}${fields('query', query as Schema | undefined)}${fields('body', body as Schema | undefined)}
Answers ${answer.status}: ${answer.description} ${
    answer.otherwise ? `${answer.otherwise.status}: ${answer.otherwise.description} ` : ''
  }${
    answer.schema
      ? `Fields: ${Object.keys(propertiesOf(answer.schema as Schema))
          .map((name) => `\`${name}\``)
          .join(', ')}.`
      : ''
  }

Errors: ${own.map(errorLink).join(', ')}${own.length > 0 ? ', and ' : ''}the [common ones](#common-errors).
`;
}

const errorLink = (code: string) => `[\`${code}\`](errors.md#${code})`;

function plainType(schema: Schema): string {
  const values = schema['enum'] as string[] | undefined;
  if (values) return values.map((value) => `\`${value}\``).join(' \\| ');
  const union = schema['anyOf'] as Schema[] | undefined;
  if (union) return union.map(plainType).join(' or ');
  if (schema['type'] === 'array') return `list of ${plainType(schema['items'] as Schema)}`;
  return String(schema['type'] ?? 'any');
}

function defaultOf(schema: Schema): string {
  return schema['default'] === undefined ? '' : `Default: \`${schema['default']}\`.`;
}

const cell = (text: string) => text.replaceAll('\n', ' ');

function errorsPage(): string {
  const rows = Object.entries(errors).map(
    ([code, { status, title, remedy }]) => `| <a id="${code}"></a>\`${code}\` | ${status} | ${title}. | ${remedy} |`,
  );
  return `${note}
# Errors

Every error is a problem document (RFC 9457) with our \`code\`, a \`remedy\`, and where it helps a \`detail\`, the
fields at fault (\`errors\`), the usable second factors (\`methods\`) or why a session ended (\`reason\`). \`instance\`
is the id of the request, as in the server's log. An error of the start has no request: the program prints it and ends
with code 1.

| code | status | what is wrong | what to do |
|---|---|---|---|
${rows.join('\n')}
`;
}

function permissionsPage(): string {
  return `${note}
# Permissions

What an account may do comes from its roles and its single permissions, what a key may do from its scopes. Whoever writes to
an account, to a key or to what an account's sessions may reach must hold everything that the target may do. Ending a
session takes \`sessions.end\` alone, whoever it belongs to. A person must besides show what [the API](api.md) asks for: a
fresh sign-in or a second factor.

In each cell stands a character for each target that the column \`of\` names: \`o\` one's own account, \`e\` an equal: another who may
as much, \`s\` a stronger one, \`w\` a weaker one. \`✓\` is allowed, \`–\` refused, \`·\` there is no such target. Where
\`of\` is empty, the call concerns nobody in particular. \`opened\` is a session of an administrator that somebody opened who
may only open sessions. Tests make every call that is not open to anybody, as each caller to each target, and compare the
answers with this table; a call without a row fails them. An open call goes by what it brings along: a password, a token. A key
\`for browsers\` has no scope.

${permissionTable().join('\n')}
`;
}

function configurationPage(): string {
  const rows = Object.values(options).map(
    ({ env, flag, form, help, fallback }) =>
      `| \`${env}\` | \`${flag}\` | ${form.replaceAll('|', '\\|')} | ${fallback === undefined ? '–' : `\`${fallback}\``} | ${help.replaceAll('|', '\\|')} |`,
  );
  const secrets = Object.values(options)
    .filter(({ env, file }) => file || env === options.secretKey.env)
    .map(({ env }) => `\`${env}_FILE\``)
    .join(', ');
  const longest = (limit: number | undefined) => (limit === undefined ? '–' : shown(limit));
  const levels = Object.entries<{ absolute: number; idle?: number }>(assuranceLevels).map(
    ([level, { absolute, idle }]) => `| \`${level}\` | ${longest(absolute)} | ${longest(idle)} |`,
  );
  return `${note}
# Configuration

Set these as environment variables or as flags of \`curfew serve\`; flags take precedence. A wrong setting stops the start;
an unsafe one, and an unknown variable that begins with \`CURFEW_\`, is warned about. Either way it is named. Durations are a
number and a unit: \`90s\`, \`15m\`, \`12h\`, \`30d\`. Limits are a number and a duration: \`10/15m\`.

An empty variable counts as one that is not set. The variables that Kubernetes sets for a service called \`curfew\`
(\`CURFEW_PORT=tcp://…\`, \`CURFEW_SERVICE_HOST\` and their like) are recognised and left alone.

| variable | flag | form | default | what it does |
|---|---|---|---|---|
${rows.join('\n')}

Secrets can come from files, as Docker and Kubernetes provide them: ${secrets}
name a file that has the value. A line break at its end does not count. Setting both variables is refused.

The command line itself reads \`CURFEW_URL\` and \`CURFEW_API_KEY\` or \`CURFEW_TOKEN\`, where it talks to a server;
the latter two also from files, by \`CURFEW_API_KEY_FILE\` and \`CURFEW_TOKEN_FILE\`.

## Assurance levels

\`CURFEW_ASSURANCE\` keeps sessions to the limits of an authentication assurance level of NIST SP 800-63B-4:

| level | a session lives at most | without activity at most |
|---|---|---|
${levels.join('\n')}

\`CURFEW_ABSOLUTE\` and \`CURFEW_IDLE\` may be stricter than the level. A laxer one stops the start, with an error that names
both settings. Sessions that were opened earlier keep the limits that they were opened with.

The level sets limits only. AAL2 also requires a second factor at each sign-in: Curfew asks for one from every account that
has enrolled it, and lets an account without one in. AAL3 requires a phishing-resistant factor, which Curfew does not have.

## Behind a proxy

Curfew sees only the proxy's address unless \`CURFEW_TRUST_PROXY\` says whom to believe. It then takes the client's address
from \`X-Forwarded-For\`, read from the end: the first address there that is not a trusted proxy's is the client's.

- Name the proxies: \`10.0.0.7\`, \`10.0.0.0/8,2001:db8::/32\`, or \`loopback\`, \`linklocal\`, \`uniquelocal\` for the
  ranges of these kinds. Names of hosts are not looked up.
- A number says how many proxies stand one behind the other, whatever their addresses. It is safe only if nobody can reach
  the server past them.
- \`true\` believes everybody, so that any client can claim any address.

An address has one form in limits, lists, filters and the log: \`::ffff:192.0.2.1\` and \`192.0.2.1:4711\` are both
\`192.0.2.1\`, and IPv6 is written as in RFC 5952. When request after request comes from one address that is not believed
to speak for others, a warning in the log names it, once.
`;
}
