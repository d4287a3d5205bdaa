/** Reads a list to its end, or until there are `enough` entries. */
export async function allPages<Item>(
  read: (cursor: string | undefined) => Promise<{ sessions: Item[]; nextCursor?: string | undefined }>,
  enough: number = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    items.push(...page.sessions);
    cursor = page.nextCursor;
  } while (cursor !== undefined && items.length < enough);
  return items.slice(0, enough);
}
