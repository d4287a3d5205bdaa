import { globSync, readFileSync } from 'node:fs';
import { permissionTable } from '../packages/curfew/src/dialects/permission-table.ts';
import { assuranceLevels } from '../packages/curfew/src/domain/policy.ts';
import { errors } from '../packages/curfew/src/errors.ts';
import { openApiDocument } from '../packages/curfew/src/http/document.ts';
import { metricList } from '../packages/curfew/src/http/metric-list.ts';
import type { Operation } from '../packages/curfew/src/http/operation.ts';
import { operations } from '../packages/curfew/src/http/routes/index.ts';
import { components } from '../packages/curfew/src/http/schemas.ts';
import { options, shown } from '../packages/curfew/src/start/config.ts';
import { apiPages } from './api-pages.ts';
import { namesFiles, withExamples } from './examples.ts';
import { manifests } from './manifests.ts';
import { n8nFiles } from './nodes/n8n.ts';
import { nodeRedFiles } from './nodes/node-red.ts';
import { nodesPage } from './nodes/page.ts';
import { propertiesOf, type Schema } from './schema.ts';
import { securityPage } from './security/page.ts';

/*
 * Everything that is generated from the declarations in the code: the client's types and table, the OpenAPI document,
 * and the reference pages. The sixty lines below print the types, because the usual tool needs an interface of the
 * TypeScript compiler that version 7 does not have.
 */

export async function generated(): Promise<Map<string, string>> {
  return new Map([
    ['packages/client/src/api.gen.ts', clientSource()],
    ['docs/openapi.json', `${JSON.stringify(await openApiDocument(), null, 2)}\n`],
    ...apiPages(note),
    ['docs/errors.md', errorsPage()],
    ['docs/configuration.md', configurationPage()],
    ['docs/permissions.md', permissionsPage()],
    ['docs/metrics.md', metricsPage()],
    ['docs/nodes.md', nodesPage()],
    ['docs/security.md', securityPage(note)],
    ...pagesWithExamples(),
    ...manifests(),
    ...n8nFiles(),
    ...nodeRedFiles(),
  ]);
}

/** Every page that shows a part of a program. */
function pagesWithExamples(): [path: string, text: string][] {
  return globSync('docs/**/*.md')
    .map((path): [string, string] => [path, readFileSync(path, 'utf8')])
    .filter(([, text]) => namesFiles(text))
    .map(([path, text]) => [path, withExamples(text)]);
}

// ---- The client

/** A program asks about a session with `verifySession`; an answer without a body is for proxies. */
const ofClient = operations.filter(({ forProxies }) => !forProxies);

function clientSource(): string {
  const types = (components as readonly unknown[] as readonly Schema[]).map(
    (component) => `${doc(component['description'])}export type ${component['$id']} = ${typeOf(component)};\n`,
  );
  const inputs = ofClient.map(
    (operation) => `${doc(operation.summary, '  ')}  ${operation.id}: {
    input: ${inputOf(operation)};
    output: ${operation.answer.schema ? typeOf(operation.answer.schema as Schema, 2) : 'undefined'};
  };`,
  );
  const table = ofClient.map(({ id, method, path, query, body, answer }) => {
    const names = Object.keys(propertiesOf(query as Schema | undefined)).map((name) => `'${name}'`);
    return `  ${id}: { method: '${method}', path: '${path}', query: [${names.join(', ')}], body: ${body !== undefined}${answer.otherwise ? `, otherwise: ${answer.otherwise.status}` : ''} },`;
  });
  return `// Written by tools/generate.ts from the declarations of the API. Do not edit.

${types.join('\n')}
/** The input and the output of each operation. */
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
    /** A status that is neither a success nor an error. */
    readonly otherwise?: number;
  };
} = {
${table.join('\n')}
};
`;
}

/** Path, query and body in one object: no name may appear in two of them. */
function inputOf({ id, params, query, body }: Operation): string {
  const parts = [params, query, body].filter((part) => part !== undefined) as Schema[];
  const names = parts.flatMap((part) => Object.keys(propertiesOf(part)));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`${id}: ${twice} appears in two of path, query and body`);
  const properties = Object.assign({}, ...parts.map(propertiesOf));
  const required = parts.flatMap((part) => (part['required'] as string[] | undefined) ?? []);
  return typeOf({ type: 'object', properties, required }, 2);
}

/** A JSON schema as a TypeScript type, for the parts of both that this API uses. */
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

function errorsPage(): string {
  const rows = Object.entries(errors).map(
    ([code, { status, title, remedy }]) => `| <a id="${code}"></a>\`${code}\` | ${status} | ${title}. | ${remedy} |`,
  );
  return `${note}
# Errors

Every error is a problem document (RFC 9457) with a \`code\`, a \`remedy\` and, if useful, a \`detail\`, the invalid fields
(\`errors\`), the usable second factors (\`methods\`) or why a session ended (\`reason\`). \`instance\` is the id of the request,
as in the server's log. An error at the start has no request: the program prints it and exits with code 1.

| code | status | what is wrong | what to do |
|---|---|---|---|
${rows.join('\n')}

## Repeating a request

After \`outcome_unknown\`, and after a time-out or a broken connection, nobody knows whether the request was carried out. Repeat
it. If the first one was carried out, this is what the second one does:

| request | what repeating it does |
|---|---|
| ending sessions, revoking a key, changing access groups, an account or a configuration | nothing more: the first end keeps its time and its reason, and the second answer is a receipt for both |
| refreshing a session | returns the same tokens, within [30 seconds](sessions.md#tokens) |
| removing an account or a named session | answers \`account_not_found\` or \`named_session_not_found\` |
| signing in, \`POST /v1/sessions\` | opens another session. Nobody has the token of the first one; it is in the list of the user's sessions, and ends at its deadlines. With a name or an alias, the answer is \`name_taken\` or \`alias_taken\` |
| \`POST /v1/keys\` | makes another key. Nobody has the first one: revoke it |
| \`POST /v1/accounts\`, \`POST /v1/named-sessions\` | answers \`username_taken\`, \`email_taken\` or \`named_session_exists\`: read it, to see that it is the one that you wanted |
| confirming an authenticator | answers \`factor_already_enrolled\`; renew the backup codes, which nobody has seen |
| renewing backup codes | makes others, and the first ones are void |
`;
}

function permissionsPage(): string {
  return `${note}
# Permissions

An account's permissions come from its roles and its individual permissions, a key's from its scopes. To change an account, a
key, or the access of an account's sessions, a caller must have every permission that the target has. Ending a session
requires only \`sessions.end\`, no matter who owns the session. A person must also present what [the API](api.md) requires: a fresh
sign-in or a second factor.

Each cell has a character for each target that the column \`of\` names: \`o\` the caller's own account, \`e\` another account with
equal permissions, \`s\` a stronger one, \`w\` a weaker one. \`✓\` is allowed, \`–\` is refused, and \`·\` means that there is no
such target. If \`of\` is empty, the call concerns nobody in particular. \`opened\` is a session of an administrator that was
opened by a caller who may only open sessions. Named sessions are started in this table: to restart one that is stopped also
requires \`sessions.create\`, as starting it does. Tests make every call that is not public, as each caller and to each target,
and compare the answers with this table; a call without a row fails them. A public call is decided by what it contains: a
password or a token. A key \`for browsers\` has no scope. The calls of the widget accept nothing but a [widget token](devices.md).

${permissionTable().join('\n')}
`;
}

function metricsPage(): string {
  type Shown = { type: string; help: string; more?: string; labels?: readonly string[]; alert?: string };
  const rows = Object.entries<Shown>(metricList).map(([name, { type, help, more, labels = [], alert }]) => {
    const labelled = labels.length === 0 ? name : `${name}{${labels.join(',')}}`;
    return `| \`${labelled}\` | ${type} | ${[help, more].filter(Boolean).join(' ')} | ${alert ?? '–'} |`;
  });
  return `${note}
# Metrics

\`/metrics\` always answers, in the text format of Prometheus. Metrics that need a store query are left out if the
store does not answer within half a second; \`curfew_store_up\` is then 0. Besides these, there are the usual \`process_…\` and
\`nodejs_…\` metrics. [deploy/monitoring](../deploy/monitoring) has alert rules for Prometheus and a dashboard for Grafana.

| metric | type | means | tell an operator if |
|---|---|---|---|
${rows.join('\n')}
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

An empty variable counts as not set. The variables that Kubernetes sets for a service called \`curfew\`
(\`CURFEW_PORT=tcp://…\`, \`CURFEW_SERVICE_HOST\` and similar ones) are recognised and ignored.

| variable | flag | form | default | what it does |
|---|---|---|---|---|
${rows.join('\n')}

Secrets can come from files, as Docker and Kubernetes provide them: ${secrets}
name a file that contains the value. A line break at its end is ignored. Setting both variables is refused.
A path may begin with \`~/\` for the home folder, also in \`lmdb:~/folder\`.

Commands that call a server read \`CURFEW_URL\` and \`CURFEW_API_KEY\` or \`CURFEW_TOKEN\`; the latter two also from files, with
\`CURFEW_API_KEY_FILE\` and \`CURFEW_TOKEN_FILE\`. \`curfew import\` reads \`CURFEW_IMPORT_FROM\` or \`CURFEW_IMPORT_FROM_FILE\` where
it has no \`--from\`.

With a key or a token from these variables or from \`--token\`, and no URL, commands call \`http://127.0.0.1:2873\`, not the
server of the last \`curfew login\`: that one only gets the session of the login.

Everybody on a machine can see the command lines of its processes, with the values of their flags, but not their variables.
So give secrets, and URLs with a password, as variables or files: also \`CURFEW_STORE\` to a command with \`--store\`. For
\`--session-token\`, \`--refresh-token\` and the secret of \`curfew totp\` there is \`-\`, which reads the value from standard
input.

## Assurance levels

\`CURFEW_ASSURANCE\` keeps sessions to the limits of an authentication assurance level of NIST SP 800-63B-4:

| level | a session lives at most | without activity at most |
|---|---|---|
${levels.join('\n')}

\`CURFEW_ABSOLUTE\` and \`CURFEW_IDLE\` may be stricter than the level. A laxer one stops the start, with an error that names
both settings. Sessions that were opened earlier keep the limits that they were opened with.

The level sets only limits. AAL2 also requires a second factor at each sign-in: Curfew requires one from every account that
has enrolled it, and lets an account without one sign in. AAL3 requires a phishing-resistant factor, which Curfew does not have.

## Behind a proxy

Curfew sees only the proxy's address unless \`CURFEW_TRUST_PROXY\` names the trusted proxies. It then takes the client's
address from \`X-Forwarded-For\`, read from the end: the first address that is not a trusted proxy's is the client's.

- Name the proxies: \`10.0.0.7\`, \`10.0.7.0/24,2001:db8:7::/64\`, or \`loopback\`, \`linklocal\`, \`uniquelocal\` for the
  ranges of these kinds. Host names are not resolved.
- Everybody who connects from a trusted address can claim any address in \`X-Forwarded-For\`: they evade the limits on
  guessing, and appear with that address in sessions and in the audit trail. So trust only addresses that belong to proxies.
  \`uniquelocal\` contains every private address: it is safe only where all clients come from elsewhere, which is not so in
  a company’s network, in a cluster with other pods, or beside other containers.
- A number is the number of proxies in a row, whatever their addresses. It is safe only if nobody can bypass them.
- \`true\` trusts everybody, so any client can claim any address.

An address has one form in limits, lists, filters and the log: \`::ffff:192.0.2.1\` and \`192.0.2.1:4711\` are both
\`192.0.2.1\`, and IPv6 is written as in RFC 5952. If many requests in a row come from one address that is not a
trusted proxy's, a warning in the log names it, once.
`;
}
