/*
 * Imported first, because the modules that follow use what earlier versions of Node.js lack. Versions that also lack an
 * export which those modules import by name fail before any of this runs; the command line, which imports this module
 * by itself, names them too.
 */
const oldest = 24;

if (Number.parseInt(process.versions.node, 10) < oldest) {
  throw new Error(`Curfew requires Node.js ${oldest} or newer; this process runs ${process.version}.`);
}
