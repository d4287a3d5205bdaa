import type { Account } from '../domain/account.ts';
import { accountMentions } from '../domain/search.ts';

/** A candidate: its place in the list, and what is there, if that belongs to the page. */
type Looked<Place, Found> = readonly [place: Place, found: Found | undefined];

type Piece<Place, Found> = {
  looked: Iterable<Looked<Place, Found>>;
  /** Whether others may follow; read once all of them have been looked at. */
  readonly more: boolean;
};

type Search<Place> = {
  /** The `next` of the previous page. */
  after?: Place | undefined;
  limit: number;
  /** Milliseconds that it may take; unlimited if absent. */
  budget?: number | undefined;
};

/**
 * A page of a list whose candidates are read piece by piece, each from where the one before has ended: until the page is
 * full and has a successor, nothing is left, or the time is used up. Others have their turn between two pieces.
 */
export async function searchPage<Place, Found>(
  { after, limit, budget = Number.POSITIVE_INFINITY }: Search<Place>,
  read: (after: Place | undefined) => Promise<Piece<Place, Found>>,
): Promise<{ page: Found[]; next: Place | undefined; partial: boolean }> {
  const began = performance.now();
  const page: Found[] = [];
  let position = after;
  let last: Place | undefined;
  for (;;) {
    const piece = await read(position);
    for (const [place, found] of piece.looked) {
      if (found !== undefined && page.length === limit) return { page, next: last, partial: false };
      position = place;
      if (found === undefined) continue;
      page.push(found);
      last = place;
    }
    if (!piece.more) return { page, next: undefined, partial: false };
    if (performance.now() - began >= budget) return { page, next: position, partial: true };
    await new Promise(setImmediate);
  }
}

/** An account in the list of those that mention a text. */
export function lookedAccount(account: Account, text: string | undefined): Looked<string, Account> {
  return [account.username, text === undefined || accountMentions(account, text) ? account : undefined];
}
