import { registerHooks } from 'node:module';

/* Imported before a program: when it ends, it prints the packages that it has loaded, a line each, to standard error. */
const loaded = new Set<string>();
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(found.url) ?? [];
    if (name !== undefined) loaded.add(name);
    return found;
  },
});
process.on('exit', () => {
  for (const name of loaded) process.stderr.write(`loaded ${name}\n`);
});
