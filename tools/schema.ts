/** A JSON schema, as far as the declarations of the API use one. */
export type Schema = { [key: string]: unknown };

export function propertiesOf(schema: unknown): Record<string, Schema> {
  return ((schema as Schema | undefined)?.['properties'] as Record<string, Schema> | undefined) ?? {};
}

export function requiredOf(schema: unknown): string[] {
  return ((schema as Schema | undefined)?.['required'] as string[] | undefined) ?? [];
}

/**
 * An example of an object: its own, if it declares one, or its required fields with theirs.
 * @throws if a required field declares none
 */
export function exampleOf(schema: unknown): Record<string, unknown> {
  const [own] = ((schema as Schema | undefined)?.['examples'] as Record<string, unknown>[] | undefined) ?? [];
  if (own) return own;
  const properties = propertiesOf(schema);
  return Object.fromEntries(
    requiredOf(schema).map((name) => {
      const property = properties[name];
      const [value] = (property?.['examples'] as unknown[] | undefined) ?? [];
      if (value === undefined && requiredOf(property).length > 0) return [name, exampleOf(property)];
      if (value === undefined) throw new Error(`The field ${name} has no example; declare \`examples\` in its schema.`);
      return [name, value];
    }),
  );
}
