import * as workflow from 'n8n-workflow';

/** n8n tells a node no version of itself. This came with 1.123, the oldest that the tests run; 1.122 lacks it. */
if (!('migrateRunExecutionData' in workflow)) {
  throw new Error('This node needs n8n 1.123 or newer, and this one is older. Update n8n.');
}
