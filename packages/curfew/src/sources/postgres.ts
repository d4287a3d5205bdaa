import { Client, type ClientConfig, type FieldDef } from 'pg';
import { CurfewError } from '../errors.ts';
import type { Entry, FoundUser, Kind, PostgresFormat } from './kind.ts';
import { clientFor, decode, type Found, type Json, pieceSize, type Source, sha256 } from './source.ts';
import { UsersTable } from './users-table.ts';

/** Milliseconds. */
const connectTimeout = 5000;

/**
 * Reads with a cursor in one snapshot, so a table needs no index and no order, and changes meanwhile do not matter.
 * @throws `import_option`, `source_unreachable`, `source_refused`, `source_unreadable`
 */
export async function openPostgresSource(
  { url, shown }: { url: string; shown: string },
  table: string,
  reading: Reading,
): Promise<Source> {
  // The URL is the application's own, so the driver reads it as it does there.
  const config = {
    connectionString: url,
    application_name: 'curfew import',
    connectionTimeoutMillis: connectTimeout,
    keepAlive: true,
  };
  const client = clientFor(shown, () => new Client(config as ClientConfig));
  client.on('error', () => {});
  const from = tableNamed(table);
  try {
    await client.connect();
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // A query that begins many rows may take long, and between two of them Curfew's store is written.
    await client.query('SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0');
    const { fields } = await client.query(`SELECT * FROM ${from} LIMIT 0`);
    const columns = columnsOf(
      reading.format,
      fields.map(({ name }) => name),
      table,
    );
    const { rows } = await client.query('SELECT reltuples::float8 AS about FROM pg_class WHERE oid = $1::regclass', [
      from,
    ]);
    const zone = await zoneNote(client, fields, columns, table, reading.format);
    const users = await openUsers(client, shown, table, reading);
    const notes = [...(zone === undefined ? [] : [zone]), ...users.unchecked];
    await client.query(`DECLARE source NO SCROLL CURSOR FOR ${selection(from, columns)}`);
    const about = Math.max(0, Number(rows[0]?.about ?? 0));
    return new PostgresSource({ client, shown, about, notes }, { ...reading, ...users, columns });
  } catch (error) {
    void client.end().catch(() => {});
    throw fault(error, shown, table);
  }
}

/** The columns of a table: those that a format names, by those names, and the others that go into the row. */
type Columns = { [role in 'secret' | 'expires' | 'created' | 'seen' | 'content']?: string } & {
  renamed: ReadonlyMap<string, string>;
};

type Place = { client: Client; shown: string; about: number; notes: readonly string[] };
/** `key`: the content of the file in `--secret`; `usersTable`: the name in `--users-table`. */
export type Reading = {
  kind: Kind;
  format: PostgresFormat;
  key: string | undefined;
  usersTable: string | undefined;
};
type Opened = Reading & Users & { columns: Columns };
type Users = { users?: UsersTable | undefined; unchecked: readonly string[] };

class PostgresSource implements Source {
  readonly shown: string;
  readonly about: number;
  readonly passedOver = 0;
  readonly notes: readonly string[];
  readonly #client: Client;
  readonly #opened: Opened;

  constructor({ client, shown, about, notes }: Place, opened: Opened) {
    this.#client = client;
    this.shown = shown;
    this.about = about;
    this.notes = notes;
    this.#opened = opened;
  }

  async *pieces(): AsyncGenerator<readonly Found[]> {
    for (;;) {
      const rows = await this.#fetch();
      const now = Date.now();
      if (rows.length > 0) {
        yield await this.#checked(
          rows.map((row) => this.#read(row, now)),
          now,
        );
      }
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

  /** Asks for the users of a piece at once; the sessions that their application refuses become unreadable. */
  async #checked(piece: Found[], now: number): Promise<Found[]> {
    const { users, format, key } = this.#opened;
    if (!users || key === undefined) return piece;
    const { idOf, check } = format.users!;
    // What has expired is not imported anyway, and is counted as that.
    const userOf = (one: Found) => ('unreadable' in one || (one.expiresAt ?? Infinity) <= now ? undefined : idOf(one));
    const ids = piece.map(userOf);
    let found: ReadonlyMap<string, FoundUser>;
    try {
      found = await users.find(new Set(ids.filter((id) => id !== undefined)));
    } catch (error) {
      throw fault(error, this.shown);
    }
    return piece.map((one, at) => {
      const id = ids[at];
      if (id === undefined || 'unreadable' in one) return one;
      return decode(
        one.hash,
        (hash) => hash,
        () => {
          check(one, found.get(id), key);
          return one;
        },
      );
    });
  }

  #read({ secret, expires, created, seen, content, row }: Row, now: number): Found {
    const { kind, format, columns, key } = this.#opened;
    const times = { expiresAt: time(expires), createdAt: time(created), lastSeenAt: time(seen) };
    const entry: Entry = { times, content: content ?? '', row: renamed(row ?? {}, columns.renamed) };
    return decode(secret, kind.hash ?? sha256, () => format.read(entry, now, key));
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}

/**
 * Opens the table of the users, if what it says counts. Without one that can be read, sessions are imported all the same,
 * and the receipt says what was not checked; a table that was named must be there. `sessions`: the name of their table.
 */
async function openUsers(
  client: Client,
  shown: string,
  sessions: string,
  { format, key, usersTable }: Reading,
): Promise<Users> {
  const { users } = format;
  if (!users) return { unchecked: [] };
  if (key === undefined) return { unchecked: [users.unchecked(undefined)] };
  // Another schema may have the users of another tenant.
  const table = usersTable ?? [...sessions.split('.').slice(0, -1), users.table].join('.');
  await client.query('SAVEPOINT users');
  try {
    return { users: await UsersTable.open(client, tableNamed(table)), unchecked: [] };
  } catch (error) {
    const { code, facts } = fault(error, shown, table);
    if (usersTable !== undefined || code === 'source_unreachable')
      throw new CurfewError(code, { ...facts, remedy: namesUsers }, error);
    await client.query('ROLLBACK TO SAVEPOINT users');
    return { unchecked: [users.unchecked(facts.detail)] };
  }
}

/** The type `timestamp`, which has no zone: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const timestampType = 1114;
const utc = /^(Etc\/)?(UTC|UCT|GMT|GMT[+-]?0|Greenwich|Universal|Zulu)$/i;

/**
 * What the receipt says if times have no zone and the connection's is not UTC: what wrote them decides which zone they are
 * in, and Prisma and Drizzle write UTC.
 */
async function zoneNote(
  client: Client,
  fields: readonly FieldDef[],
  { expires, created, seen }: Columns,
  table: string,
  { zoneOfServer = false }: PostgresFormat,
): Promise<string | undefined> {
  if (zoneOfServer) return undefined;
  const without = fields.filter(
    ({ name, dataTypeID }) => dataTypeID === timestampType && [expires, created, seen].includes(name),
  );
  if (without.length === 0) return undefined;
  const { rows } = await client.query("SELECT current_setting('TimeZone') AS zone");
  const zone = String(rows[0]?.zone);
  if (utc.test(zone)) return undefined;
  const names = without.map(({ name }) => name).join(', ');
  return `In the table ${table}, the times in ${names} have no zone. They were read as those of ${zone}, the zone of the connection. If the application writes UTC there, as Prisma and Drizzle do, those times are wrong: add ?options=-c%20timezone%3DUTC to the URL, or &options=… if it has options already.`;
}

const namesUsers = 'Name the table of the users in --users-table, and allow reading it.';

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
