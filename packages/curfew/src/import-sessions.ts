import { type ImportOutcome, type ImportParts, importSession } from './authority/import-session.ts';
import { day } from './domain/limits.ts';
import { type CurfewError, isCurfewError } from './errors.ts';
import { type Found, type OpenedSource, shownPath, Unreadable, userIdAt } from './sources/index.ts';
import type { Store } from './stores/contract.ts';

/*
 * Gives the sessions of another application a place in a store. Each gets there by the one way in which sessions are
 * created, a thousand in one turn of the event loop, so that they share a commit. That way also makes the import safe to
 * repeat: the alias of a session can be taken only once, so a session that is there already is found to be, and no list of
 * what was done has to be kept.
 */

/** What became of the entries of a source. */
export type ImportReceipt = {
  /** Entries that were read. */
  read: number;
  imported: number;
  /** Their cookie leads to a session here, active or ended. */
  already: number;
  /** The same, but they were used there since, so their ends here have moved. */
  renewed: number;
  /** The same, but they have ended here, because nobody used them here. */
  timedOut: number;
  expired: number;
  /** Nobody is signed in. */
  withoutUser: number;
  /** What is no session: keys with another prefix, and entries of another form. */
  other: number;
  refused: number;
  /** Why, the most frequent reason first. */
  reasons: Reason[];
  /** What is probably wrong, with the option that helps. */
  notes: string[];
};

export type Reason = { reason: string; count: number; examples: Example[] };

/** `sha256`: the beginning of the SHA-256 of the session's secret, in hexadecimal digits. It contains no secret. */
export type Example = { sha256: string; detail: string };

/** How many examples there are of each reason. */
const examples = 3;

export type ImportTask = {
  parts: ImportParts;
  dryRun: boolean;
  /** Leaves out what the application keeps in its sessions. */
  withoutData: boolean;
  /** The store's time, epoch milliseconds. */
  now(): number;
  progress(done: number, about: number): void;
};

/** Pieces that are written at once: while some wait for the disk, the others are read and prepared. */
const atOnce = 4;

/** @throws `source_…`, `store_…`, `outcome_unknown`; the next run continues */
export async function importSessions(opened: OpenedSource, task: ImportTask): Promise<ImportReceipt> {
  const { source } = opened;
  const store = task.parts.into?.store;
  const tally = new Tally();
  const writing: Promise<void>[] = [];
  let begun = 0;
  const write = async (piece: readonly Found[]) => {
    // All of them, also after one has failed: the store may be closed after that.
    const outcomes = await Promise.allSettled(piece.map((found) => importOne(found, opened, task, tally)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    task.progress(tally.read + source.passedOver, source.about);
  };
  try {
    for await (const piece of source.pieces()) {
      const written = write(piece);
      // It is awaited further down, perhaps after it has failed.
      written.catch(() => {});
      writing.push(written);
      if (writing.length === atOnce) await writing.shift();
      begun += 1;
      if (store && !task.dryRun && begun % piecesPerTidying === 0) await tidy(store, task.now());
    }
    await Promise.all(writing);
  } finally {
    await Promise.allSettled(writing);
  }
  return tally.receipt(opened);
}

async function importOne(found: Found, opened: OpenedSource, task: ImportTask, tally: Tally): Promise<void> {
  try {
    if ('unreadable' in found) throw found.unreadable;
    const userId = userIdAt(found.json, opened.user);
    if (userId === undefined) return tally.withoutUser(found.json);
    const { json: _, hash, data, content, ...session } = found;
    const kept = task.withoutData ? { metadata: {} } : { metadata: data, content };
    const importable = { ...session, userId, alias: { kind: opened.alias, hash }, ...kept };
    tally.count(await importSession(task.parts, importable, task.now(), task.dryRun));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    tally.refuse(found.hash, error);
  }
}

/** Why one session is refused, while the others go on. Anything else is a fault of a store, and ends the import. */
type Refusal = Unreadable | CurfewError;

function isRefusal(error: unknown): error is Refusal {
  const codes = [
    'user_id_too_long',
    'invalid_value',
    'metadata_too_large',
    'session_data_too_large',
    'account_disabled',
    'alias_taken',
  ] as const;
  return error instanceof Unreadable || isCurfewError(error, ...codes, 'signed_out_meanwhile');
}

/** The embedded store keeps new sessions in memory until a sweep places them in its indexes. */
const piecesPerTidying = 20;

/** Sweeps, without deleting anything: how long ended sessions are kept is a setting of the servers. */
async function tidy(store: Store, now: number): Promise<void> {
  const task = { now, keepEnded: 36_500 * day, keepEvents: 36_500 * day, batch: 5000 };
  while ((await store.sweep(task)).more);
}

class Tally {
  readonly #counts: Record<ImportOutcome | 'withoutUser', number> = {
    imported: 0,
    already: 0,
    renewed: 0,
    timedOut: 0,
    expired: 0,
    withoutUser: 0,
  };
  readonly #reasons: Map<string, Reason> = new Map();
  /** The names in the first session without a user. */
  #names: readonly string[] | undefined;

  count(outcome: ImportOutcome): void {
    this.#counts[outcome] += 1;
  }

  withoutUser(json: unknown): void {
    this.#counts.withoutUser += 1;
    this.#names ??= Object.keys(json ?? {});
  }

  refuse(hash: string, error: Refusal): void {
    const reason = error instanceof Unreadable ? error.reason : error.code;
    const detail = error instanceof Unreadable ? error.message : (error.facts.detail ?? error.message);
    let told = this.#reasons.get(reason);
    if (!told) {
      told = { reason, count: 0, examples: [] };
      this.#reasons.set(reason, told);
    }
    told.count += 1;
    if (told.examples.length >= examples) return;
    told.examples.push({ sha256: Buffer.from(hash, 'base64url').toString('hex').slice(0, shownDigits), detail });
  }

  get read(): number {
    return sum(Object.values(this.#counts)) + sum([...this.#reasons.values()].map(({ count }) => count));
  }

  receipt({ source: { passedOver, notes: ofSource }, user, prefix }: OpenedSource): ImportReceipt {
    const notSessions = this.#reasons.get(notASession)?.count ?? 0;
    const reasons = [...this.#reasons.values()].sort((a, b) => b.count - a.count);
    const refused = sum(reasons.map(({ count }) => count)) - notSessions;
    const { imported, already, renewed, timedOut } = this.#counts;
    const notes: string[] = [...ofSource];
    if (passedOver > 0 && this.read === 0)
      notes.push(`No key begins with ${prefix}. The option --prefix names another beginning.`);
    if (timedOut > 0) notes.push(timedOutNote(timedOut));
    if (this.#names && imported + already + renewed + timedOut === 0) {
      const has = this.#names.slice(0, 20).join(', ') || 'nothing';
      notes.push(
        `No session has a user at ${shownPath(user.at(-1)!)}. The first has ${has}; --user-id names the place of the user's id.`,
      );
    }
    return { read: this.read + passedOver, ...this.#counts, other: passedOver + notSessions, refused, reasons, notes };
  }
}

function timedOutNote(count: number): string {
  const [sessions, they, people] =
    count === 1 ? ['session', 'it is', 'its user signs'] : ['sessions', 'they are', 'their users sign'];
  return `${count.toLocaleString('en')} ${sessions} timed out here after an earlier import, although ${they} still used there. Nothing brings back what has ended, so ${people} in again. Let less time pass from one import to the next, and to the switch, than an unused session lasts; or stop the old application before the only import.`;
}

const notASession = 'not_a_session';
/** Enough to find a session by, and far too few to be of use to anybody else. */
const shownDigits = 12;

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
