/** A path without and with a slash at its end, for a system that accepts both. */
export function eitherWay(path: string): string[] {
  return [path, `${path}/`];
}
