import { burstRows } from './burst.ts';
import { capacityRows } from './capacity.ts';
import { clusterRows } from './cluster.ts';
import { consoleRows } from './console.ts';
import { embeddedRows } from './embedded.ts';
import { expressRows } from './express.ts';
import { fenceRows } from './fence.ts';
import { firstRows } from './first.ts';
import { fleetRows } from './fleet.ts';
import { httpRows } from './http.ts';
import { importRows } from './import.ts';
import { printTable } from './measure.ts';
import { n8nRows } from './n8n.ts';
import { postgresRows } from './postgres.ts';
import { redisRows } from './redis.ts';
import { rulesRows } from './rules.ts';
import { signInRows } from './sign-ins.ts';

// Every number is a ratio, measured side by side in this run. Names as arguments choose among these.
const all = {
  first: firstRows,
  http: httpRows,
  express: expressRows,
  signins: signInRows,
  embedded: embeddedRows,
  postgres: postgresRows,
  rules: rulesRows,
  redis: redisRows,
  cluster: clusterRows,
  fence: fenceRows,
  n8n: n8nRows,
  fleet: fleetRows,
  console: consoleRows,
  burst: burstRows,
  capacity: capacityRows,
  import: importRows,
};
const asked = process.argv.slice(2) as (keyof typeof all)[];
const rows = [];
for (const [name, measure] of Object.entries(all)) {
  if (asked.length > 0 && !asked.includes(name as keyof typeof all)) continue;
  rows.push(...(await measure((text) => console.error(`… ${text}`))));
}
printTable(rows);
if (rows.some(({ met }) => !met)) process.exitCode = 1;
