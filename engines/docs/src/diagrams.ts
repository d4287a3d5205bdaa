/*
 * Code hosts draw a sequence diagram in Mermaid's language. The site shows the same as a table, because Mermaid itself
 * is larger than everything else that the site needs.
 */

type Step = { from: string; to: string; what: string };

const forms = {
  participant: /^participant (\w+) as (.+)$/,
  message: /^(\w+)--?>>(\w+): (.+)$/,
  note: /^Note over (\w+): (.+)$/,
};

/** The steps of a sequence diagram. @throws if a line has a form that is not known here */
export function stepsOf(diagram: string): Step[] {
  const [kind, ...lines] = diagram
    .trim()
    .split('\n')
    .map((line) => line.trim());
  if (kind !== 'sequenceDiagram') throw new Error(`Only sequence diagrams can be shown, not ${kind}.`);
  const names = new Map<string, string>();
  const nameOf = (id: string) => {
    const name = names.get(id);
    if (name === undefined) throw new Error(`No participant of the diagram is called ${id}.`);
    return name;
  };
  return lines.flatMap((line) => {
    const [, id, name] = forms.participant.exec(line) ?? [];
    if (id !== undefined) {
      names.set(id, name!);
      return [];
    }
    const [, from, to, said] = forms.message.exec(line) ?? [];
    if (from !== undefined) return [{ from: nameOf(from), to: nameOf(to!), what: said! }];
    const [, over, note] = forms.note.exec(line) ?? [];
    if (over !== undefined) return [{ from: nameOf(over), to: '', what: note! }];
    throw new Error(`The diagram has a line of an unknown form: ${line}`);
  });
}

/** A sequence diagram as a table in Markdown. */
export function asTable(diagram: string): string {
  const rows = stepsOf(diagram).map(({ from, to, what }) => `| ${from} | ${to && `→ ${to}`} | ${what} |`);
  return ['| who | to | what |', '|---|---|---|', ...rows].join('\n');
}
