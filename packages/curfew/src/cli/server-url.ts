import { readSettings } from '../start/config.ts';

/** Addresses that mean every address of this machine, and where a server that listens there is reached. */
const reachedAt: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Where `curfew serve` listens with the same environment. */
export function urlOfServer(): string {
  const { host, port } = readSettings(process.env).settings;
  const reached = reachedAt[host] ?? host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}
