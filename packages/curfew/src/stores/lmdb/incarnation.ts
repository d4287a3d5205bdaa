import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createFile, dataFile, giveToOwner, readFile, sealFile } from './files.ts';
import { identityOf } from './inspect.ts';
import type { Tables } from './tables.ts';

/*
 * The incarnation of the folder (docs/fence, R10): an id in the store, valid while the store is in the files that it
 * recorded. The store keeps a seal: the identity of the data file (inode and time of birth), and the identity and
 * the content of a small file beside it, which names the data file as well (inspect.ts). At every opening and closing,
 * and whenever a node that lends to verifiers is recorded, the small file is replaced by one with other content. A copy
 * of the folder therefore has another data file, and a copy of the data that is restored in place has an older seal
 * than the file beside it. A copy of both that is restored in place does not match either, because the small file is
 * not the same file. A killed process leaves a matching pair.
 */
const row = 'incarnation';

/** `seals`: the current one, and the one that is about to replace it. */
type Kept = { id: string; seals: string[]; confirmed: boolean };

export class Incarnation {
  readonly #tables: Tables;
  readonly #folder: string;
  #kept: Kept;

  /** This process must own the folder by now. */
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

  /** Invalidates earlier copies of the data. */
  renewSeal(): void {
    const [path, next] = [join(this.#folder, sealFile), join(this.#folder, `${sealFile}.next`)];
    const file = createFile(next);
    try {
      writeSync(file, `${randomBytes(12).toString('base64url')} ${identityOf(join(this.#folder, dataFile))}`);
      fsyncSync(file);
      giveToOwner(this.#folder, file);
    } finally {
      closeSync(file);
    }
    // Both are valid until the new file has replaced the old one: a process killed in between leaves either.
    const [present, coming] = [sealOf(this.#folder, path), sealOf(this.#folder, next)!];
    this.#keep({ ...this.#kept, seals: present === undefined ? [coming] : [present, coming] });
    renameSync(next, path);
  }

  #keep(kept: Kept): void {
    this.#tables.meta.putSync(row, kept);
    this.#kept = kept;
  }
}

/** Whether these are the files that the store last recorded, and so not a copy. Changes nothing. */
export function liesWhereItWas(tables: Tables, folder: string): boolean {
  return keptHere(tables, folder) !== undefined;
}

function keptHere(tables: Tables, folder: string): Kept | undefined {
  const kept = tables.meta.get(row) as Kept | undefined;
  const present = sealOf(folder, join(folder, sealFile));
  return present !== undefined && kept?.seals.map(withoutDevice).includes(present) ? kept : undefined;
}

/** A seal of an earlier version, which named the device of both files first, as it is now. */
function withoutDevice(seal: string): string {
  const [data, beside, ...content] = seal.split(' ');
  return [data, beside]
    .map((identity) => identity!.replace(/^\d+\.(\d+\.[1-9]\d*)$/, '$1'))
    .concat(content)
    .join(' ');
}

/** The identity of the two files and the content of the small one; `undefined` if that does not exist. */
function sealOf(folder: string, beside: string): string | undefined {
  if (!existsSync(beside)) return undefined;
  return [join(folder, dataFile), beside].map(identityOf).concat(readFile(beside)).join(' ');
}
