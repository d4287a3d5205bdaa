/*
 * Imported before everything else: the modules that follow use what earlier versions of Node.js lack, and would fail with
 * an error that names none of this.
 */
const oldest = 24;

if (Number.parseInt(process.versions.node, 10) < oldest) {
  throw new Error(`Curfew requires Node.js ${oldest} or newer; this process runs ${process.version}.`);
}
