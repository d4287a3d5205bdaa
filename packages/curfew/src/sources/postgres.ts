import { Client, type ClientConfig } from 'pg';
import { CurfewError } from '../errors.ts';
import type { Entry, Kind, PostgresFormat } from './kind.ts';
import { decode, type Found, type Json, pieceSize, type Source, sha256 } from './source.ts';

/** Milliseconds. */
const connectTimeout = 5000;

/**
 * Reads with a cursor in one snapshot, so a table needs no index and no order, and changes meanwhile do not matter.
 * @throws `source_unreachable`, `source_refused`, `source_unreadable`
 */
export async function openPostgresSource(
  { url, shown }: { url: string; shown: string },
  kind: Kind,
  format: PostgresFormat,
  table: string,
  key: string | undefined,
): Promise<Source> {
  // The URL is the application's own, so the driver reads it as it does there.
  const client = new Client({
    connectionString: url,
    application_name: 'curfew import',
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
  } as ClientConfig);
  client.on('error', () => {});
  const from = tableNamed(table);
  try {
    await client.connect();
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // A query that begins many rows may take long, and between two of them Curfew's store is written.
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
    const { fields } = await client.query(`SELECT * FROM ${from} LIMIT 0`);
    const columns = columnsOf(
      format,
      fields.map(({ name }) => name),
      table,
    );
    const { rows } = await client.query('SELECT reltuples::float8 AS about FROM pg_class WHERE oid = $1::regclass', [
      from,
    ]);
    await client.query(`DECLARE source NO SCROLL CURSOR FOR ${selection(from, columns)}`);
    const about = Math.max(0, Number(rows[0]?.about ?? 0));
    return new PostgresSource({ client, shown, about }, { kind, format, columns, key });
  } catch (error) {
    void client.end().catch(() => {});
    throw fault(error, shown, table);
  }
}

/** The columns of a table: those that a format names, by those names, and the others that go into the row. */
type Columns = { [role in 'secret' | 'expires' | 'created' | 'seen' | 'content']?: string } & {
  renamed: ReadonlyMap<string, string>;
};

type Place = { client: Client; shown: string; about: number };
type Reading = { kind: Kind; format: PostgresFormat; columns: Columns; key: string | undefined };

class PostgresSource implements Source {
  readonly shown: string;
  readonly about: number;
  readonly passedOver = 0;
  readonly #client: Client;
  readonly #reading: Reading;

  constructor({ client, shown, about }: Place, reading: Reading) {
    this.#client = client;
    this.shown = shown;
    this.about = about;
    this.#reading = reading;
  }

  async *pieces(): AsyncGenerator<readonly Found[]> {
    for (;;) {
      const rows = await this.#fetch();
      const now = Date.now();
      if (rows.length > 0) yield rows.map((row) => this.#read(row, now));
      if (rows.length < pieceSize) return;
    }
  }

  async #fetch(): Promise<Row[]> {
    try {
      const { rows } = await this.#client.query(`FETCH FORWARD ${pieceSize} FROM source`);
      return rows as Row[];
    } catch (error) {
      throw fault(error, this.shown);
    }
  }

  #read({ secret, expires, created, seen, content, row }: Row, now: number): Found {
    const { kind, format, columns, key } = this.#reading;
    const times = { expiresAt: time(expires), createdAt: time(created), lastSeenAt: time(seen) };
    const entry: Entry = { times, content: content ?? '', row: renamed(row ?? {}, columns.renamed) };
    return decode(secret, kind.hash ?? sha256, () => format.read(entry, now, key));
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}

type Row = {
  secret: string;
  expires: number | null;
  created: number | null;
  seen: number | null;
  content: string | null;
  row: Json | null;
};

/** `infinity` and NULL mean that there is no end. */
function time(value: number | null): number | undefined {
  return value !== null && Number.isFinite(value) ? Math.round(value) : undefined;
}

function renamed(row: Json, names: ReadonlyMap<string, string>): Json {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [names.get(name) ?? name, value]));
}

/** Times as milliseconds; those without a zone are in the zone of the connection, as for the application. */
function selection(from: string, { secret, content, renamed: _, ...times }: Columns): string {
  const timeOf = (column: string | undefined) =>
    column === undefined ? 'NULL' : `(extract(epoch FROM t.${quoted(column)}::timestamptz) * 1000)::float8`;
  // What is selected apart is not repeated in the row; least of all the secret.
  const apart = [secret!, ...Object.values(times)].map((name) => `- ${literal(name)}::text`).join(' ');
  const parts = {
    secret: `t.${quoted(secret!)}::text`,
    expires: timeOf(times.expires),
    created: timeOf(times.created),
    seen: timeOf(times.seen),
    content: content === undefined ? 'NULL' : `t.${quoted(content)}::text`,
    row: content === undefined ? `to_jsonb(t) ${apart}` : 'NULL',
  };
  const list = Object.entries(parts).map(([name, sql]) => `${sql} AS "${name}"`);
  return `SELECT ${list.join(', ')} FROM ${from} AS t WHERE t.${quoted(secret!)} IS NOT NULL`;
}

/** @throws `source_unreadable` if a column is missing */
function columnsOf(format: PostgresFormat, present: readonly string[], table: string): Columns {
  const plain = (name: string) => name.replaceAll('_', '').toLowerCase();
  const find = (name: string | undefined) =>
    name === undefined
      ? undefined
      : (present.find((one) => one === name) ?? present.find((one) => plain(one) === plain(name)));
  const { secret, expires, created, seen, content, others = [] } = format;
  const missing = [secret, expires, content, ...others].filter(
    (name) => name !== undefined && find(name) === undefined,
  );
  if (missing.length > 0) {
    throw new CurfewError('source_unreadable', {
      detail: `The table ${table} has no column ${missing.join(', ')}; it has ${present.join(', ')}.`,
    });
  }
  return {
    ...optional({
      secret: find(secret),
      expires: find(expires),
      created: find(created),
      seen: find(seen),
      content: find(content),
    }),
    renamed: new Map(others.map((name) => [find(name)!, name])),
  };
}

function optional<T extends object>(values: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

/** `table` or `schema.table`, as they are written, each in quotes. */
function tableNamed(text: string): string {
  return text.split('.').map(quoted).join('.');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function fault(error: unknown, shown: string, table?: string): CurfewError {
  if (error instanceof CurfewError) return error;
  const { message, code = '', severity } = error as Error & { code?: string; severity?: string };
  const detail = `${shown}: ${(message || code || 'no answer').replace(/\.$/, '')}.`;
  // What the server itself says has a severity; the rest is about the connection.
  if (severity === undefined || /^(08|57P|53)/.test(code)) {
    return new CurfewError('source_unreachable', { detail }, error);
  }
  // SQLSTATE: a missing table or schema, a wrong login, a missing right.
  if (/^(42P01|3F000)$/.test(code)) {
    return new CurfewError('source_unreadable', { detail: `${shown} has no table ${table}.` }, error);
  }
  if (/^(28|42501)/.test(code)) return new CurfewError('source_refused', { detail }, error);
  return new CurfewError('source_unreadable', { detail }, error);
}
