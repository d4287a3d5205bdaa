import * as workflow from 'n8n-workflow';

/** n8n does not tell a node its version. This function appeared in 1.123, the oldest tested version; 1.122 lacks it. */
if (!('migrateRunExecutionData' in workflow)) {
  throw new Error('This node needs n8n 1.123 or newer, and this one is older. Update n8n.');
}
