import { readFileSync } from 'node:fs';
import { operations, services } from 'curfew-nodes';

/* Draws an n8n workflow: the nodes of an example with their icons, names, operations and outputs. */

type Saved = {
  nodes: { name: string; type: string; position: [number, number]; parameters: Record<string, unknown> }[];
  connections: Record<string, { main: { node: string; index: number }[][] }>;
};

const root = 'packages/n8n-nodes-curfew';
const size = 96;

/** An example workflow of the package as SVG. */
export function drawing(example: string): string {
  const { nodes, connections } = JSON.parse(readFileSync(`${root}/examples/${example}.json`, 'utf8')) as Saved;
  const [left, top] = [0, 1].map((axis) => Math.min(...nodes.map(({ position }) => position[axis] ?? 0))) as [
    number,
    number,
  ];
  const at = ([x, y]: [number, number]) => [x - left + 60, y - top + 30] as const;
  const [width, height] = [0, 1].map((axis) => Math.max(...nodes.map(({ position }) => at(position)[axis] ?? 0))) as [
    number,
    number,
  ];
  const wires = Object.entries(connections).flatMap(([name, { main }]) =>
    main.flatMap((targets, output) =>
      targets.map((target) => {
        const [from, to] = [name, target.node].map((wanted) => nodes.find((node) => node.name === wanted));
        if (!from || !to) throw new Error(`${example}: ${name} leads nowhere`);
        const [x1, y1] = port(at(from.position), output, main.length, size);
        const [x2, y2] = port(at(to.position), target.index, inputsOf(to), 0);
        return `<path d="M${x1} ${y1}C${x1 + 60} ${y1} ${x2 - 60} ${y2} ${x2} ${y2}" fill="none" stroke="#a4a2b8" stroke-width="2"/>`;
      }),
    ),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width + size + 80} ${height + size + 70}" font-family="sans-serif" text-anchor="middle">
<rect width="100%" height="100%" rx="12" fill="#f6f5fb"/>
${wires.join('\n')}
${nodes.map((node) => box(node, at(node.position))).join('\n')}
</svg>
`;
}

function box({ name, type, parameters }: Saved['nodes'][number], [x, y]: readonly [number, number]): string {
  const operation = operations.find((one) => one.name === parameters['operation'])?.label;
  const service = services.find((one) => one.name === parameters['service'])?.label;
  const middle = x + size / 2;
  return `<rect x="${x}" y="${y}" width="${size}" height="${size}" rx="10" fill="#fff" stroke="#c9c6dc" stroke-width="2"/>
${icon(type, x + 26, y + 26)}
<text x="${middle}" y="${y + size + 20}" font-size="14" fill="#2f2b5f">${escaped(name)}</text>
<text x="${middle}" y="${y + size + 37}" font-size="11" fill="#77749a">${escaped(operation ?? service ?? '')}</text>`;
}

function icon(type: string, x: number, y: number): string {
  const file = { 'n8n-nodes-curfew.curfew': 'Curfew/curfew', 'n8n-nodes-curfew.logOut': 'LogOut/logout' }[type];
  if (file === undefined)
    return `<circle cx="${x + 22}" cy="${y + 22}" r="9" fill="none" stroke="#77749a" stroke-width="3"/>`;
  const svg = readFileSync(`${root}/nodes/${file}.svg`, 'utf8').trim();
  return svg.replace('<svg', `<svg x="${x}" y="${y}" width="44" height="44"`);
}

function port(
  [x, y]: readonly [number, number],
  index: number,
  count: number,
  side: number,
): readonly [number, number] {
  return [x + side, y + (size * (index + 1)) / (count + 1)];
}

const inputsOf = ({ parameters }: Saved['nodes'][number]) => Number(parameters['numberInputs'] ?? 1);
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
