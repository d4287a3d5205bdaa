import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generated } from './generated.ts';

// Writes the files that are generated from the code; with --check, reports whether they are up to date.
const check = process.argv.includes('--check');
let stale = 0;
for (const [path, text] of await generated()) {
  if (read(path) === text) continue;
  stale += 1;
  if (check) console.error(`${path} is out of date; run \`npm run generate\`.`);
  else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
if (check && stale > 0) process.exit(1);

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
