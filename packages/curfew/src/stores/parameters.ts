/**
 * The parameters of a store's URL, each once. One that nobody knows is refused: whoever wrote it relies on it.
 * @throws what `refuse` makes of what is wrong
 */
export function readParameters<Name extends string>(
  url: URL,
  known: readonly Name[],
  refuse: (what: string) => Error,
): Partial<Record<Name, string>> {
  if (url.hash !== '') throw refuse('has a # that begins nothing; in a password it is written as %23');
  const found: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    if (!known.includes(name as Name)) {
      throw refuse(`has the unknown parameter ${JSON.stringify(name)}; it takes ${known.toSorted().join(', ')}`);
    }
    if (name in found) throw refuse(`has ${name} more than once`);
    if (value === '') throw refuse(`has ${name} without a value`);
    found[name] = value;
  }
  return found as Partial<Record<Name, string>>;
}
