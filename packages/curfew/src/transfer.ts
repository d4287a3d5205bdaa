import { createHash } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { withAttachScope } from './domain/key.ts';
import { CurfewError } from './errors.ts';
import { keyFingerprint } from './start/secret-key.ts';
import type { Store } from './stores/contract.ts';
import { decodeRecord, encodeRecord, rankOf, type StoreRecord } from './stores/records.ts';

/*
 * A store as lines of JSON: a first line that identifies the export, one line for each record, and a last line with
 * their number and the SHA-256 of everything before it. A reader holds only one record at a time, and knows at the end
 * whether the export was complete. Format 2 added the permissions of the caller that opened a session: versions that
 * would drop them must not read it. Format 3 added revoked keys in the log, the scope for attaching a verifier, what a
 * second factor was given for, and pending addresses. Format 4 added the aliases and the data of sessions.
 */
const format = 4;
const readable: readonly number[] = [1, 2, 3, 4];
const attachScopeSince = 3;

type First = {
  curfew: 'export';
  format: number;
  store: string;
  exportedAt: string;
  /** The approximate number of records that follow, for the progress bar. */
  about: number;
  /** The fingerprint of the servers' secret key; `null` if neither the store nor the exporting process knew one. */
  key: string | null;
};

type Last = { curfew: 'whole'; records: number; sha256: string };

export type Progress = (done: number, about: number) => void;

/** The lines of a store's export, with their line breaks. @throws `servers_running`, `changed_meanwhile` */
export async function* exportLines(
  store: Store,
  key: Uint8Array | undefined,
  now: number,
  progress: Progress = () => {},
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const seal = (line: string) => {
    hash.update(line);
    return line;
  };
  const about = await countRecords(store);
  // A store that cannot give a consistent snapshot fails here, before a line is written.
  const found = store.exportRecords()[Symbol.asyncIterator]();
  let next = await found.next();
  const first: First = {
    curfew: 'export',
    format,
    store: store.kind,
    exportedAt: new Date(now).toISOString(),
    about,
    key: (await store.keyFingerprint()) ?? (key ? keyFingerprint(key) : null),
  };
  yield seal(`${JSON.stringify(first)}\n`);
  let records = 0;
  for (; !next.done; next = await found.next()) {
    yield seal(`${encodeRecord(next.value)}\n`);
    records += 1;
    progress(records, about);
  }
  const last: Last = { curfew: 'whole', records, sha256: hash.digest('hex') };
  yield `${JSON.stringify(last)}\n`;
}

/**
 * Fills an empty store from an export's lines (without their line breaks), completely or not at all.
 * @throws `export_damaged`, `store_not_empty`, `store_version`, `config_invalid` if the servers' key is another one
 */
export async function importLines(
  store: Store,
  lines: AsyncIterable<string>,
  key: Uint8Array | undefined,
  progress: Progress = () => {},
): Promise<{ records: number; keyMissing: boolean }> {
  const all = lines[Symbol.asyncIterator]();
  try {
    const line = await all.next();
    if (line.done) throw damaged('The export is empty.');
    const first = readFirst(line.value);
    const keyMissing = !checkKey(first, key);
    const outcome: Outcome = { records: 0 };
    const records = recordsOf({ first, line: line.value, rest: all }, outcome, progress);
    // Its servers need the key of the store that was exported.
    await store.importRecords(records, first.key ?? undefined);
    return { records: outcome.records, keyMissing };
  } finally {
    await all.return?.();
  }
}

type Outcome = { records: number };

/** An export whose first line has been read. */
type Begun = { first: First; line: string; rest: AsyncIterator<string> };

/** No valid record is nearly this long. */
const longestLine = 16 * 1024 * 1024;

/** Splits a stream of bytes into lines, without their line breaks. */
export async function* splitLines(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)))).split('\n');
    rest = lines.pop()!;
    if (rest.length > longestLine) throw damaged('A line is too long.');
    yield* lines;
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}

async function* recordsOf(
  { first, line, rest }: Begun,
  outcome: Outcome,
  progress: Progress,
): AsyncGenerator<StoreRecord> {
  const hash = createHash('sha256').update(line).update('\n');
  let last: Last | undefined;
  let rank = 0;
  for await (const line of { [Symbol.asyncIterator]: () => rest }) {
    if (last) throw damaged('There is more after its last line.');
    if (line.startsWith('{"curfew":')) {
      last = readLast(line);
      continue;
    }
    const record = decodeRecord(line);
    if (rankOf(record) < rank) throw damaged(`A record of kind ${record.kind} is out of order.`);
    rank = rankOf(record);
    outcome.records += 1;
    progress(outcome.records, first.about);
    yield first.format < attachScopeSince ? carriedOver(record) : record;
    hash.update(line).update('\n');
  }
  if (!last) throw damaged('Its last line is missing: it was cut short.');
  if (last.records !== outcome.records || last.sha256 !== hash.digest('hex')) {
    throw damaged('Its number of records or its checksum is wrong: it was changed after the export.');
  }
}

function carriedOver(record: StoreRecord): StoreRecord {
  return record.kind === 'key' ? { ...record, key: withAttachScope(record.key) } : record;
}

function readFirst(line: string): First {
  let first: First;
  try {
    first = JSON.parse(line) as First;
  } catch (error) {
    throw new CurfewError('export_damaged', { detail: 'Its first line is not JSON.' }, error);
  }
  if (first?.curfew !== 'export') throw damaged('Its first line is not that of an export.');
  if (readable.includes(first.format)) return first;
  throw new CurfewError('store_version', {
    detail: `The export has format ${first.format}; this version of Curfew reads ${readable.join(', ')}.`,
  });
}

function readLast(line: string): Last {
  try {
    return JSON.parse(line) as Last;
  } catch (error) {
    throw new CurfewError('export_damaged', { detail: 'Its last line is not JSON.' }, error);
  }
}

/** Whether the key is known to be the right one. @throws `config_invalid` if it is known to be a wrong one */
function checkKey(first: First, key: Uint8Array | undefined): boolean {
  if (first.key === null || key === undefined) return false;
  if (first.key === keyFingerprint(key)) return true;
  throw new CurfewError('config_invalid', {
    detail:
      'CURFEW_SECRET_KEY: it is not the key of the exported store; with another key every refresh token and authenticator would be void.',
  });
}

async function countRecords(store: Store): Promise<number> {
  const [{ facts }, oldest, newest, log, head] = await Promise.all([
    store.describe(),
    store.readEvents({ after: 0, limit: 1 }),
    store.readEvents({ limit: 1 }),
    store.readLog(0, 1),
    store.logHead(),
  ]);
  const events = (newest.events[0]?.sequence ?? 0) - (oldest.events[0]?.sequence ?? 1) + 1;
  const entries = head.sequence - (log[0]?.sequence ?? head.sequence + 1) + 1;
  return 1 + Number(facts['liveSessions']) + Number(facts['endedSessions']) + events + entries;
}

function damaged(detail: string): CurfewError {
  return new CurfewError('export_damaged', { detail });
}
