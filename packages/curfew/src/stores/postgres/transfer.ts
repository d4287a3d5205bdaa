import type { PoolClient } from 'pg';
import type { UserId } from '../../domain/brand.ts';
import { type RecordKind, refuseUsed, type StoreRecord } from '../records.ts';
import type { Row } from './codec.ts';
import * as codec from './codec.ts';
import { confirmed, type Database } from './database.ts';
import { callFault } from './faults.ts';
import { writes } from './statements.ts';

/** How many rows are in memory at once. */
const piece = 1000;

/** There are no timeouts, because the other end of the stream sets the pace. */
const unhurried = `SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`;

type Source = { text: string; decode(row: Row): StoreRecord };

const sources: readonly Source[] = [
  { text: 'SELECT * FROM counters', decode: decodeCounters },
  { text: 'SELECT * FROM epochs ORDER BY user_id, number', decode: decodeStep },
  {
    text: 'SELECT * FROM accounts ORDER BY id',
    decode: (row) => ({ kind: 'account', account: codec.decodeAccount(row) }),
  },
  { text: 'SELECT * FROM keys ORDER BY id', decode: (row) => ({ kind: 'key', key: codec.decodeKey(row) }) },
  {
    text: 'SELECT * FROM sessions ORDER BY id',
    decode: (row) => ({
      kind: 'session',
      session: codec.decodeSession(row),
      writtenAt: (row['written_at'] as number | null) ?? undefined,
    }),
  },
  { text: 'SELECT * FROM slots ORDER BY name', decode: (row) => ({ kind: 'slot', slot: codec.decodeSlot(row) }) },
  {
    text: 'SELECT * FROM log ORDER BY sequence',
    decode(row) {
      const { mark: _, ...entry } = codec.decodeLog(row);
      return { kind: 'log', entry };
    },
  },
  {
    text: 'SELECT * FROM events ORDER BY sequence',
    decode: (row) => ({ kind: 'event', event: codec.decodeEvent(row) }),
  },
];

/** One snapshot, read through a cursor for each table. */
export async function* exportRecords(database: Database): AsyncGenerator<StoreRecord> {
  const client = await database.connect();
  let whole = false;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(unhurried);
    for (const { text, decode } of sources) {
      await client.query(`DECLARE records NO SCROLL CURSOR FOR ${text}`);
      for (let rows: Row[] = []; ; ) {
        ({ rows } = await client.query<Row>(`FETCH ${piece} FROM records`));
        yield* rows.map(decode);
        if (rows.length < piece) break;
      }
      await client.query('CLOSE records');
    }
    await client.query('COMMIT');
    whole = true;
  } finally {
    client.release(!whole);
  }
}

/** Everything in one transaction, under the writers' lock: nobody sees half of it, and a failure leaves nothing. */
export async function importRecords(
  database: Database,
  records: AsyncIterable<StoreRecord>,
  fingerprint: string | undefined,
): Promise<void> {
  await database.session(async (client) => {
    await client.query('BEGIN');
    await client.query(unhurried);
    await client.query('CALL lock_writers(); SET LOCAL lock_timeout = 0');
    await refuseUnlessEmpty(client);
    let waiting: StoreRecord[] = [];
    for await (const record of records) {
      if (waiting.length === piece || (waiting[0] && waiting[0].kind !== record.kind)) {
        await write(client, waiting);
        waiting = [];
      }
      waiting.push(record);
    }
    await write(client, waiting);
    await client.query(totals);
    if (fingerprint !== undefined) {
      const { rows } = await client.query(writes.keepKeyFingerprint.text, [fingerprint, null]);
      refuseUsed(false, rows[0]!.fingerprint, fingerprint);
    }
    await confirmed(client, () => client.query('COMMIT')).catch((error: unknown) => {
      throw callFault(error, 'write');
    });
    // Everything is there. Without this, the server analyzes the tables by itself, a little later.
    await client.query('ANALYZE sessions, users, epochs, log, events, accounts').catch(() => {});
  });
}

async function refuseUnlessEmpty(client: PoolClient): Promise<void> {
  const tables = ['sessions', 'accounts', 'keys', 'slots', 'events', 'log', 'epochs'];
  const found = tables.map((table) => `EXISTS (SELECT FROM ${table})`).join(' OR ');
  const { rows } = await client.query(`SELECT ${found} AS used`);
  refuseUsed(rows[0]!.used, undefined, undefined);
}

async function write(client: PoolClient, records: readonly StoreRecord[]): Promise<void> {
  const [first] = records;
  if (!first) return;
  const { into, encode } = targets[first.kind];
  const rows = JSON.stringify(records.map((record) => encode(record as never)));
  await client.query(into, [rows]);
}

/** Totals that are not in the stream. */
const totals = `
  INSERT INTO users (id, epoch, active, everyone)
    SELECT id, coalesce(max(epoch), 0), coalesce(sum(active), 0), (SELECT everyone FROM counters) FROM (
      SELECT user_id AS id, max(number) AS epoch, 0 AS active FROM epochs WHERE user_id <> '' GROUP BY user_id
      UNION ALL
      SELECT s.user_id, NULL, count(*) FROM sessions s
      WHERE s.end_at IS NULL AND NOT s.suspended AND s.epoch_everyone = (SELECT everyone FROM counters)
        AND s.epoch_user = coalesce((SELECT max(number) FROM epochs e WHERE e.user_id = s.user_id), 0)
      GROUP BY s.user_id
    ) parts GROUP BY id;
  UPDATE counters SET active = (SELECT coalesce(sum(active), 0) FROM users);
  CALL complete_log()`;

type Target<Kind extends RecordKind> = { into: string; encode(record: Extract<StoreRecord, { kind: Kind }>): Row };

const rowsOf = (table: string) => `INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1)`;

const targets: { [Kind in RecordKind]: Target<Kind> } = {
  counters: {
    into: `UPDATE counters SET head = c.head, last_event = c.last_event, time = c.time
      FROM jsonb_populate_recordset(NULL::counters, $1) c`,
    encode: ({ head, lastEvent, time }) => ({ head, last_event: lastEvent, time }),
  },
  epoch: {
    into: `WITH written AS (${rowsOf('epochs')} RETURNING user_id, number)
      UPDATE counters SET everyone = greatest(everyone, w.number)
      FROM (SELECT max(number) AS number FROM written WHERE user_id = '') w WHERE w.number IS NOT NULL`,
    encode: ({ userId, number, end, settled }) => ({
      ...codec.encodeEnding(end),
      user_id: userId ?? '',
      number,
      sequence: end.sequence,
      settled,
      armed: end.at,
      swept: '',
    }),
  },
  account: { into: rowsOf('accounts'), encode: ({ account }) => codec.encodeAccount(account) },
  key: { into: rowsOf('keys'), encode: ({ key }) => codec.encodeKey(key) },
  session: {
    into: rowsOf('sessions'),
    encode: ({ session, writtenAt }) => ({
      ...codec.encodeSession(session),
      written_at: session.end && (writtenAt ?? session.end.at),
    }),
  },
  slot: { into: rowsOf('slots'), encode: ({ slot }) => codec.encodeSlot(slot) },
  log: {
    // With new marks, because the history of the original store continues separately.
    into: `INSERT INTO log (sequence, at, session_id, user_id, key_id)
      SELECT sequence, at, session_id, user_id, key_id FROM jsonb_populate_recordset(NULL::log, $1)`,
    encode: ({ entry }) => ({
      sequence: entry.sequence,
      at: entry.at,
      session_id: 'sessionId' in entry ? entry.sessionId : undefined,
      user_id: 'userId' in entry ? entry.userId : undefined,
      key_id: 'keyId' in entry ? entry.keyId : undefined,
    }),
  },
  event: {
    into: rowsOf('events'),
    encode: ({ event }) => ({ ...codec.encodeEvent(event), sequence: event.sequence }),
  },
};

function decodeCounters(row: Row): StoreRecord {
  const { head, last_event, time } = row as { head: number; last_event: number; time: number };
  return { kind: 'counters', head, lastEvent: last_event, time };
}

function decodeStep(row: Row): StoreRecord {
  return {
    kind: 'epoch',
    userId: row['user_id'] === '' ? null : (row['user_id'] as UserId),
    number: row['number'] as number,
    end: codec.decodeEnding(row),
    settled: row['settled'] as boolean,
  };
}
