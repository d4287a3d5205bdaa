import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { mutants } from './mutants.ts';

/* Imported before the simulation: loads the real code with one rule removed. */
const name = process.env['MUTANT'] ?? '';
const mutant = mutants[name];
if (!mutant) throw new Error(`There is no mutant ${JSON.stringify(name)}.`);

registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:')) return next(url, context);
    const path = fileURLToPath(url);
    const edits = mutant.edits.filter(([, , file = mutant.file]) => file === path);
    if (edits.length === 0) return next(url, context);
    let source = readFileSync(path, 'utf8');
    for (const [there, instead] of edits) {
      if (source.split(there).length !== 2) throw new Error(`${name}: ${JSON.stringify(there)} is not there once.`);
      source = source.replace(there, () => instead);
    }
    return { format: 'module-typescript', source, shortCircuit: true };
  },
});
