import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

/*
 * Checks whether a data file is sound by reading it, never by mapping it, because LMDB trusts what it maps, and a
 * damaged page ends the process (SIGSEGV, SIGBUS). Layout: liblmdb's mdb.c as in lmdb-js (64 bits, little-endian). A
 * page has a header of 24 bytes: its number, the transaction that wrote it, a size, flags, and the bounds of its free
 * space; then the positions of its nodes, counted from the end of the header. A node has 8 bytes, its key and its data.
 *
 * Pages are copied when they are written, so everything that a page refers to was written by its own transaction or an
 * earlier one. A file that was copied during writes is recognised by violations of that, by keys out of order, by pages
 * with two references, or by wrong counts.
 */
const header = 24;
const meta = {
  kind: 18,
  page: header + 144,
  magic: 24,
  version: 28,
  free: 48,
  main: 96,
  lastPage: 144,
  transaction: 152,
  boot: 160,
} as const;
const magic = 0xbeefc0de;
const dataVersion = 2;
const flag = { branch: 1, leaf: 2, overflow: 4, meta: 8, leaf2: 0x20, subPage: 0x40 } as const;
const kindOfPage = flag.branch | flag.leaf | flag.overflow | flag.meta | flag.leaf2 | flag.subPage;
const nodeFlag = { big: 1, tree: 2, duplicates: 4 } as const;
/**
 * Flags of the free list, whose record also has the page size. `unsynced`: its transaction may not be on disk. `numbered`: its
 * keys are numbers. `ofFile`: it was made at the path of a file, not of a folder.
 */
const [unsynced, numbered, ofFile] = [0x1000, 0x08, 0x4000];
const noPage = 0xffff_ffff_ffff_ffffn;
const nodeHeader = 8;
const treeRecord = 48;

/** `roots`: the pages that every read starts from. `all`: every page, which takes as long as reading the file. */
export type Extent = 'roots' | 'all';

/** The file was not written by this version of LMDB. */
export class OtherVersion extends Error {}

/** What is wrong with a data file; `undefined` if it is sound. @throws {@link OtherVersion} */
export function damageOf(path: string, extent: Extent): string | undefined {
  const file = openSync(path, 'r');
  try {
    new Walk(file, fstatSync(file).size, extent).run();
    return undefined;
  } catch (error) {
    if (error instanceof Damage) return error.message;
    throw error;
  } finally {
    closeSync(file);
  }
}

class Damage extends Error {}

type Tree = {
  name: string;
  depth: number;
  branches: number;
  leaves: number;
  overflow: number;
  entries: number;
  root: bigint;
  /** Keys are native numbers: 8 bytes, the lowest first. */
  numbers: boolean;
};

type Meta = {
  pageSize: number;
  lastPage: number;
  transaction: bigint;
  boot: bigint;
  flags: number;
  free: Tree;
  main: Tree;
};

/** The counts found in a tree. */
type Found = { branches: number; leaves: number; overflow: number; entries: number };

/** The keys of a page are between these. */
type Bounds = { from: Buffer | undefined; below: Buffer | undefined };

class Walk {
  readonly #file: number;
  readonly #size: number;
  readonly #extent: Extent;
  readonly #meta: Meta;
  /** A bit for each page that has a reference. */
  readonly #seen: Uint8Array;

  constructor(file: number, size: number, extent: Extent) {
    this.#file = file;
    this.#size = size;
    this.#extent = extent;
    this.#meta = this.#pickMeta();
    this.#seen = new Uint8Array(Math.ceil(Math.max(this.#pages(this.#meta), this.#meta.lastPage + 1) / 8));
  }

  #pages({ pageSize }: Meta): number {
    return Math.ceil(this.#size / pageSize);
  }

  run(): void {
    const { free, main } = this.#meta;
    this.#tree(main, true, (node, name) => {
      if ((node.flags & nodeFlag.tree) === 0) return;
      this.#tree(treeOf(node.data, 0, name.toString('latin1').replaceAll('\0', '')), this.#extent === 'all', () => {});
    });
    this.#tree(free, this.#extent === 'all', ({ data }) => this.#freePages(data));
  }

  /** The meta page that LMDB uses: see `mdb_pick_meta`. The third one, for the last sync, is half a page further on. */
  #pickMeta(): Meta {
    const first = this.#readMeta(0);
    const boot = bootId();
    const pick = (a: Meta, b: Meta | undefined): Meta => {
      if (!b || b.transaction === 0n) return a;
      const [older, latest] = a.transaction >= b.transaction ? [b, a] : [a, b];
      const surely = (latest.boot !== 0n && latest.boot === boot) || (latest.flags & unsynced) === 0;
      return surely ? latest : older;
    };
    const synced = this.#bytes(first.pageSize / 2, meta.page, 'a meta page');
    const half = synced.readBigUInt64LE(meta.transaction) === 0n ? undefined : this.#checked(metaOf(synced));
    if (half && half.pageSize !== first.pageSize) throw new Damage(`its pages are said to have ${half.pageSize} bytes`);
    return pick(pick(first, half), this.#readMeta(first.pageSize));
  }

  #readMeta(at: number): Meta {
    const page = this.#bytes(at, meta.page, 'a meta page');
    if (page.readUInt32LE(meta.magic) !== magic) throw new Damage('it is not an LMDB file');
    const version = page.readUInt32LE(meta.version) & 0xffff;
    if (version !== dataVersion) {
      throw new OtherVersion(`it has version ${version} of LMDB's format; this program reads ${dataVersion}`);
    }
    const kind = page.readUInt16LE(meta.kind);
    if (kind !== flag.meta) throw new Damage(`its meta page is of another kind (${kind})`);
    return this.#checked(metaOf(page));
  }

  /** LMDB reads all meta pages before it picks one, and trusts them. */
  #checked(read: Meta): Meta {
    const { pageSize, lastPage, flags } = read;
    if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0)
      throw new Damage(`its pages are said to have ${pageSize} bytes`);
    if ((flags & ~(unsynced | ofFile)) !== numbered) throw new Damage(`it has unknown flags (${flags})`);
    // Pages that a transaction has used and freed may be missing at its end.
    const most = 4 * this.#pages(read) + 1024;
    if (lastPage < 1 || lastPage > most) throw new Damage(`its last page is said to be ${lastPage}`);
    return read;
  }

  #bytes(at: number, length: number, what: string): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    if (readSync(this.#file, bytes, 0, length, at) === length) return bytes;
    const expected = this.#meta === undefined ? undefined : (this.#meta.lastPage + 1) * this.#meta.pageSize;
    const should = expected === undefined || expected <= this.#size ? '' : ` and should have ${expected}`;
    throw new Damage(`it is cut short: it has ${this.#size} bytes${should}, and ${what} is beyond its end`);
  }

  /** Walks a tree; `whole`: down to its leaves, otherwise only its root. */
  #tree(tree: Tree, whole: boolean, onLeaf: (node: Node, key: Buffer) => void): void {
    if (tree.root === noPage) {
      if (tree.entries !== 0) throw new Damage(`the table ${tree.name} has no page for its ${tree.entries} entries`);
      return;
    }
    if (tree.depth < 1 || tree.depth > 32) throw new Damage(`the table ${tree.name} is said to be ${tree.depth} deep`);
    const found: Found = { branches: 0, leaves: 0, overflow: 0, entries: 0 };
    const visit = (number: bigint, depth: number, transaction: bigint, bounds: Bounds): void => {
      const page = this.#page(number, transaction, tree.name);
      const isLeaf = page.kind === flag.leaf;
      if (!isLeaf && page.kind !== flag.branch) throw page.damage(`is not a page of a table (flags ${page.kind})`);
      if (isLeaf !== (depth === tree.depth)) throw page.damage(`is not at the right depth in the table`);
      if (isLeaf) found.leaves += 1;
      else found.branches += 1;
      if (!whole && depth > 1) return;
      const keys: Buffer[] = [];
      for (let i = 0; i < page.count; i++) {
        const node = page.node(i);
        const { key } = node;
        // The first key of a branch is never read: it stands for the lowest.
        if (isLeaf || i > 0)
          this.#checkOrder(page, keys.at(-1) ?? (isLeaf ? bounds.from : undefined), key, bounds, tree, keys.length > 0);
        if (isLeaf || i > 0) keys.push(key);
        if (isLeaf) this.#leafNode(node, page, tree, found, whole, onLeaf);
      }
      if (isLeaf || !whole) return;
      for (let i = 0; i < page.count; i++) {
        const from = i === 0 ? bounds.from : keys[i - 1];
        visit(page.node(i).child, depth + 1, page.transaction, { from, below: keys[i] ?? bounds.below });
      }
    };
    visit(tree.root, 1, this.#meta.transaction, { from: undefined, below: undefined });
    if (!whole) return;
    for (const what of ['branches', 'leaves', 'overflow', 'entries'] as const) {
      if (found[what] === tree[what]) continue;
      throw new Damage(`the table ${tree.name} should have ${tree[what]} ${what}, and ${found[what]} are there`);
    }
  }

  #checkOrder(
    page: Page,
    before: Buffer | undefined,
    key: Buffer,
    { below }: Bounds,
    tree: Tree,
    within: boolean,
  ): void {
    const order = (a: Buffer, b: Buffer) => {
      if (!tree.numbers) return Buffer.compare(a, b);
      const [x, y] = [a.readBigUInt64LE(), b.readBigUInt64LE()];
      return x < y ? -1 : Number(x > y);
    };
    if (tree.numbers && key.length !== 8) throw page.damage('has a key of a wrong length');
    const low = before === undefined ? 1 : order(key, before);
    if (low < 0 || (low === 0 && within)) throw page.damage('has keys out of order');
    if (below !== undefined && order(key, below) >= 0) throw page.damage('has keys that belong to another page');
  }

  #leafNode(
    node: Node,
    page: Page,
    tree: Tree,
    found: Found,
    whole: boolean,
    onLeaf: (node: Node, key: Buffer) => void,
  ): void {
    if ((node.flags & nodeFlag.duplicates) !== 0) {
      if ((node.flags & nodeFlag.tree) === 0) {
        found.entries += subPageCount(node.data, page);
        return;
      }
      if (node.data.length !== treeRecord) throw page.damage('has an invalid tree');
      const values = treeOf(node.data, 0, tree.name);
      found.entries += values.entries;
      this.#tree(values, whole, () => {});
      // LMDB counts the pages of the values with the values.
      return;
    }
    found.entries += 1;
    if ((node.flags & nodeFlag.big) !== 0) {
      if (node.data.length !== 24) throw page.damage('has an invalid large value');
      const [first, transaction, pages] = [0, 8, 16].map((at) => node.data.readBigUInt64LE(at)) as [
        bigint,
        bigint,
        bigint,
      ];
      this.#overflow(first, Number(pages), transaction, page, tree);
      found.overflow += Number(pages);
      onLeaf({ ...node, data: whole ? this.#value(first, node.size) : node.data }, node.key);
      return;
    }
    if ((node.flags & nodeFlag.tree) !== 0 && node.data.length !== treeRecord) {
      throw page.damage('has an invalid table');
    }
    onLeaf(node, node.key);
  }

  #overflow(first: bigint, pages: number, transaction: bigint, by: Page, tree: Tree): void {
    const { pageSize } = this.#meta;
    if (transaction > by.transaction) throw by.damage('refers to a page that was written later');
    for (let i = 0; i < pages; i++) this.#mark(Number(first) + i, tree.name);
    const head = this.#bytes(Number(first) * pageSize, header, `page ${first}`);
    const sound = head.readBigUInt64LE(0) === first && (head.readUInt16LE(18) & kindOfPage) === flag.overflow;
    if (!sound || head.readUInt32LE(20) !== pages)
      throw by.damage(`refers to page ${first}, which is not a large value`);
    this.#bytes((Number(first) + pages) * pageSize - 1, 1, `the end of page ${first}`);
  }

  #value(first: bigint, size: number): Buffer {
    return this.#bytes(Number(first) * this.#meta.pageSize + header, size, `page ${first}`);
  }

  #page(number: bigint, transaction: bigint, table: string): Page {
    const { pageSize, lastPage } = this.#meta;
    if (number < 2n || number > BigInt(lastPage))
      throw new Damage(`the table ${table} refers to page ${number}, which cannot be`);
    this.#mark(Number(number), table);
    const bytes = this.#bytes(Number(number) * pageSize, pageSize, `page ${number} of the table ${table}`);
    return new Page(bytes, number, transaction, table);
  }

  #mark(page: number, table: string): void {
    const [at, bit] = [page >> 3, 1 << (page & 7)];
    if (page < 2 || at >= this.#seen.length)
      throw new Damage(`the table ${table} refers to page ${page}, which cannot be`);
    if ((this.#seen[at]! & bit) !== 0) throw new Damage(`page ${page} of the table ${table} is used twice`);
    this.#seen[at]! |= bit;
  }

  /** Pages that a transaction freed: numbers, and runs of them as their negative length and the first. */
  #freePages(list: Buffer): void {
    if (this.#extent !== 'all') return;
    const entry = (i: number) => {
      if (8 * i + 8 > list.length) throw new Damage('its list of free pages is cut short');
      return Number(list.readBigInt64LE(8 * i));
    };
    const count = entry(0);
    for (let i = 1; i <= count; i++) {
      const one = entry(i);
      if (one > 0) this.#mark(one, 'of free pages');
      if (one >= 0) continue;
      const first = entry(++i);
      for (let k = 0; k < -one; k++) this.#mark(first + k, 'of free pages');
    }
  }
}

type Node = { flags: number; key: Buffer; data: Buffer; child: bigint; size: number };

class Page {
  readonly kind: number;
  readonly count: number;
  readonly transaction: bigint;
  readonly #bytes: Buffer;
  readonly #number: bigint;
  readonly #table: string;

  /** `transaction`: that of the referring page. */
  constructor(bytes: Buffer, number: bigint, transaction: bigint, table: string) {
    this.#bytes = bytes;
    this.#number = number;
    this.#table = table;
    this.transaction = bytes.readBigUInt64LE(8);
    this.kind = bytes.readUInt16LE(18) & kindOfPage;
    if (bytes.readBigUInt64LE(0) !== number) throw this.damage(`says that it is page ${bytes.readBigUInt64LE(0)}`);
    if (this.transaction > transaction) throw this.damage('was written later than what refers to it');
    const [lower, upper] = [bytes.readUInt16LE(20), bytes.readUInt16LE(22)];
    if (lower > upper || header + upper > bytes.length) throw this.damage('has impossible bounds');
    this.count = lower >> 1;
    if (this.count === 0) throw this.damage('is empty');
  }

  node(i: number): Node {
    const bytes = this.#bytes;
    const at = header + bytes.readUInt16LE(header + 2 * i);
    if (at < header + 2 * this.count || at + nodeHeader > bytes.length) throw this.damage('refers past its end');
    const [low, high, flags, keySize] = [0, 2, 4, 6].map((offset) => bytes.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
      number,
    ];
    const size = low + high * 0x10000;
    const dataAt = at + nodeHeader + keySize;
    const dataSize = this.kind === flag.branch ? 0 : (flags & nodeFlag.big) !== 0 ? 24 : size;
    if (dataAt + dataSize > bytes.length) throw this.damage('has an entry that goes past its end');
    return {
      flags: this.kind === flag.branch ? 0 : flags,
      key: bytes.subarray(at + nodeHeader, dataAt),
      data: bytes.subarray(dataAt, dataAt + dataSize),
      child: BigInt(size) + (BigInt(flags) << 32n),
      size,
    };
  }

  damage(why: string): Damage {
    return new Damage(`page ${this.#number} of the table ${this.#table} ${why}`);
  }
}

/** Entries of a page within a page: the values of one key. */
function subPageCount(bytes: Buffer, page: Page): number {
  if (bytes.length < header) throw page.damage('has invalid values');
  const [kind, lower, upper] = [18, 20, 22].map((at) => bytes.readUInt16LE(at)) as [number, number, number];
  const count = lower >> 1;
  const isSub = (kind & flag.subPage) !== 0 && (kind & flag.leaf) !== 0;
  if (!isSub || count === 0 || lower > upper || header + upper > bytes.length) throw page.damage('has invalid values');
  for (let i = 0; i < count; i++) {
    const at = header + bytes.readUInt16LE(header + 2 * i);
    if (at < header + lower || at + nodeHeader > bytes.length) throw page.damage('has values past their end');
    if (at + nodeHeader + bytes.readUInt16LE(at + 6) > bytes.length) throw page.damage('has values past their end');
  }
  return count;
}

function metaOf(page: Buffer): Meta {
  return {
    pageSize: page.readUInt32LE(meta.free),
    lastPage: Number(page.readBigUInt64LE(meta.lastPage)),
    transaction: page.readBigUInt64LE(meta.transaction),
    boot: page.readBigInt64LE(meta.boot),
    flags: page.readUInt16LE(meta.free + 4),
    free: { ...treeOf(page, meta.free, 'of free pages'), numbers: true },
    main: treeOf(page, meta.main, 'of tables'),
  };
}

function treeOf(bytes: Buffer, at: number, name: string): Tree {
  const [branches, leaves, overflow, entries] = [8, 16, 24, 32].map((offset) =>
    Number(bytes.readBigUInt64LE(at + offset)),
  ) as [number, number, number, number];
  const depth = bytes.readUInt16LE(at + 6);
  return { name, depth, branches, leaves, overflow, entries, root: bytes.readBigUInt64LE(at + 40), numbers: false };
}

/** How lmdb-js recognises the boot of the machine. */
function bootId(): bigint {
  try {
    return BigInt(`0x${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').split('-')[0]}`);
  } catch {
    return 0n;
  }
}
