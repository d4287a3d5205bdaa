/** The text between slashes. */
const part = /[^/]+/g;
/** Parts of usual routes are short or are words. Anything else could be a token, an id or an address. */
const plainPart = /^(?:[\w.-]{1,7}|[a-z._-]{1,40})$/;

/**
 * A path without a route, in a form that may be logged: without its query and without anything that could be a token.
 * A path with a route is logged as the route.
 */
export function loggedPath(url: string): string {
  const path = url.split('?', 1)[0]!.replace(part, (text) => (plainPart.test(text) ? text : '…'));
  return path.slice(0, 200);
}
