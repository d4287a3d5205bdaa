import { held, useHeld } from './held.ts';

/*
 * Where one is, and what a list is filtered by, is in the URL's fragment: it survives a reload and can be sent to a
 * colleague, but browsers send it to no server, so the names and addresses in it are in no log.
 */

/** The segments of the path, and what follows the question mark. */
export type Place = { path: readonly string[]; query: Query };
export type Query = Readonly<Record<string, string>>;

export function placeOf(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  return {
    path: path.split('/').filter(Boolean).map(decoded),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

/** A link to a place; empty values are left out. */
export function linkTo(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const search = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${search && `?${search}`}`;
}

const place = held(placeOf(location.hash));
addEventListener('hashchange', () => place.set(placeOf(location.hash)));

export const usePlace = (): Place => useHeld(place);
/** Where one is now: the browser tells of a change only later, when something else may run before. */
export const currentPlace = (): Place => placeOf(location.hash);

/** Goes to a place. `replace`: without another step for the browser's Back, as while typing in a filter. */
export function go(link: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') {
    location.hash = link;
    return;
  }
  history.replaceState(history.state, '', link);
  place.set(placeOf(link));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
