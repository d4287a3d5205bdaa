import { registerLogOut, registerOperations } from './src/nodes.ts';
import type { Red } from './src/red.ts';
import { registerServers } from './src/servers.ts';

/** What Node-RED calls when it loads the package: it takes the default export. */
export default function curfew(red: Red): void {
  registerServers(red);
  registerOperations(red);
  registerLogOut(red);
}
