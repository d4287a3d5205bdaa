import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { dataFile, identityOf, sealFile } from './inspect.ts';
import type { Tables } from './tables.ts';

/*
 * What the folder is an incarnation of (docs/fence, R10): an id in the store, which is valid as long as the store knows
 * the files that it lies in. It has written down a seal: which file the data file is (device, inode, time of birth), and
 * the same and the content of a small file beside it, which names the data file as well (inspect.ts). At every opening and closing, and whenever a node is written down
 * that lends to verifiers, that small file is replaced by one with another content. So a copy of the folder has another
 * data file; a copy of the data that is put back in place has an older seal than the file beside it, and a copy of both
 * likewise, because the small file is not the same one. A process that was killed leaves both as they belong together.
 */
const row = 'incarnation';

/** `seals`: the present one, and the one that is about to take its place. */
type Kept = { id: string; seals: string[]; confirmed: boolean };

export class Incarnation {
  readonly #tables: Tables;
  readonly #folder: string;
  #kept: Kept;

  /** The folder is this process's own by now. */
  constructor(tables: Tables, folder: string) {
    this.#tables = tables;
    this.#folder = folder;
    this.#kept = keptHere(tables, folder) ?? { id: randomBytes(12).toString('base64url'), seals: [], confirmed: false };
    this.renewSeal();
  }

  get id(): string {
    return this.#kept.id;
  }

  get confirmed(): boolean {
    return this.#kept.confirmed;
  }

  confirm(id: string): void {
    if (id === this.#kept.id && !this.#kept.confirmed) this.#keep({ ...this.#kept, confirmed: true });
  }

  /** Copies of the data from before are out of date from now on. */
  renewSeal(): void {
    const [path, next] = [join(this.#folder, sealFile), join(this.#folder, `${sealFile}.next`)];
    const file = openSync(next, 'w', 0o600);
    writeSync(file, `${randomBytes(12).toString('base64url')} ${identityOf(join(this.#folder, dataFile))}`);
    fsyncSync(file);
    closeSync(file);
    // Both are valid until the new file has taken its place: a process that is killed in between leaves either.
    const [present, coming] = [sealOf(this.#folder, path), sealOf(this.#folder, next)!];
    this.#keep({ ...this.#kept, seals: present === undefined ? [coming] : [present, coming] });
    renameSync(next, path);
  }

  #keep(kept: Kept): void {
    this.#tables.meta.putSync(row, kept);
    this.#kept = kept;
  }
}

/** Whether these are the files that the store has last written down, and so no copy. Changes nothing. */
export function liesWhereItWas(tables: Tables, folder: string): boolean {
  return keptHere(tables, folder) !== undefined;
}

function keptHere(tables: Tables, folder: string): Kept | undefined {
  const kept = tables.meta.get(row) as Kept | undefined;
  const present = sealOf(folder, join(folder, sealFile));
  return kept !== undefined && present !== undefined && kept.seals.includes(present) ? kept : undefined;
}

/** Which files these are, and what the small one says; nothing where there is none. */
function sealOf(folder: string, beside: string): string | undefined {
  if (!existsSync(beside)) return undefined;
  return [join(folder, dataFile), beside].map(identityOf).concat(readFileSync(beside, 'utf8')).join(' ');
}
