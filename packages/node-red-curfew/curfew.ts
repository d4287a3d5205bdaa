import { KeptSecrets } from './src/kept-secrets.ts';
import { registerLogOut, registerOperations } from './src/nodes.ts';
import type { Red } from './src/red.ts';
import { registerServers } from './src/servers.ts';

/** Node-RED calls this default export when it loads the package. */
export default function curfew(red: Red): void {
  const secrets = new KeptSecrets(red);
  registerServers(red, secrets);
  registerOperations(red, secrets);
  registerLogOut(red, secrets);
}
