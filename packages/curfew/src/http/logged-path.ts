/** What stands between slashes. */
const part = /[^/]+/g;
/** What people call their routes: short, or words. Whatever else there is could be a token, an id or an address. */
const plainPart = /^(?:[\w.-]{1,7}|[a-z._-]{1,40})$/;

/**
 * A path that no route has, as a log may keep it: without its query, and without what could be a token. What has a
 * route is logged as the route.
 */
export function loggedPath(url: string): string {
  const path = url.split('?', 1)[0]!.replace(part, (text) => (plainPart.test(text) ? text : '…'));
  return path.slice(0, 200);
}
