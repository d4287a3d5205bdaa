/** A TypeScript expression that is printed as it is. */
export class Code {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A value as a TypeScript literal, indented by tabs. Undefined properties are left out. */
export function literal(value: unknown, depth = 0): string {
  const inner = '\t'.repeat(depth + 1);
  const end = '\t'.repeat(depth);
  if (value instanceof Code) return value.text;
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const flat = `[${value.map((item) => literal(item, depth)).join(', ')}]`;
    if (value.every((item) => typeof item !== 'object' || item instanceof Code) && flat.length < 80) return flat;
    return `[\n${value.map((item) => `${inner}${literal(item, depth + 1)},\n`).join('')}${end}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, part]) => part !== undefined);
    if (entries.length === 0) return '{}';
    const lines = entries.map(([key, part]) => `${inner}${keyOf(key)}: ${literal(part, depth + 1)},\n`);
    return `{\n${lines.join('')}${end}}`;
  }
  return String(value);
}

const keyOf = (key: string) => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : quoted(key));

function quoted(text: string): string {
  if (text.includes("'") && !text.includes('"')) return JSON.stringify(text);
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
