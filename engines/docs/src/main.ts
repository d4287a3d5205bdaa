import { join } from 'node:path';
import { buildSite } from './build.ts';
import { root } from './contents.ts';

// Its compiler reads the settings of the folder that it runs in.
process.chdir(join(root, 'engines/docs'));
try {
  await buildSite(process.argv[2]);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
