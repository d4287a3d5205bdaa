import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { n8nFiles } from '../../../tools/nodes/n8n.ts';
import { nodeRedFiles } from '../../../tools/nodes/node-red.ts';
import { absent, operations, type Parameter, readParameters, requestOptions, services } from '../src/index.ts';

const parameters: readonly Parameter[] = [
  ...operations.flatMap((operation) => operation.parameters),
  ...services.flatMap((service) => service.parameters),
  ...requestOptions,
];

/** Reads a value for each parameter of a name and, if it is given, a label; returns how many there are. */
function accepts(name: string, label: string | undefined, value: unknown, where: string): number {
  const found = parameters.filter((one) => one.name === name && (label === undefined || one.label === label));
  for (const { when: _, ...parameter } of found) {
    // What must be filled in has no default.
    if ((parameter.required || parameter.narrows) && (value === '' || value === absent)) continue;
    assert.doesNotThrow(() => readParameters([parameter], () => value), `${where}: ${name} = ${JSON.stringify(value)}`);
  }
  return found.length;
}

type Property = {
  name: string;
  displayName?: string;
  default?: unknown;
  options?: Property[];
  properties?: Property[];
};

describe('no default that an editor gives a field is refused', () => {
  test('n8n', () => {
    const files = [...n8nFiles()].filter(([path]) => /\.node\.ts$|LogOut1\.ts$/.test(path));
    assert.equal(files.length, 4);
    for (const [path, text] of files) {
      const described = /description: INodeTypeDescription = (\{.*?\n\t\});?\n\n/s.exec(text)?.[1];
      const description = runInNewContext(`(${described})`, { NodeConnectionTypes: {} }) as Property;
      let read = 0;
      const visit = ({ name, displayName, default: value, options = [] }: Property) => {
        const isExpression = typeof value === 'string' && value.startsWith('={{');
        if (value !== undefined && !isExpression) read += accepts(name, displayName, value, path);
        options.forEach(visit);
      };
      description.properties!.forEach(visit);
      assert.ok(read >= requestOptions.length, path);
    }
  });

  test('Node-RED', () => {
    const html = nodeRedFiles().get('packages/node-red-curfew/curfew.html')!;
    const registered = [...html.matchAll(/RED\.nodes\.registerType\('([^']+)', (\{.*?\n\})\);/gs)];
    assert.ok(registered.length > operations.length);
    const editor = new Proxy({}, { get: () => () => undefined });
    let read = 0;
    for (const [, type, definition] of registered) {
      const { defaults } = runInNewContext(`(${definition})`, { curfewEditor: editor }) as {
        defaults: Record<string, { value?: unknown }>;
      };
      for (const [name, { value }] of Object.entries(defaults)) {
        // The types that fill a field from the message; an empty field has no value.
        if (name === 'name' || /^(msg|jsonata)$/.test(String(defaults[`${name}Type`]?.value))) continue;
        read += accepts(name, undefined, value === '' || value === undefined ? absent : value, type!);
      }
    }
    assert.ok(read > requestOptions.length * operations.length);
  });
});
