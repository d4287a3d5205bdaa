import type { Client } from 'pg';
import { CurfewError } from '../errors.ts';
import type { FoundUser } from './kind.ts';

/** The types of primary keys that an index is used for, and which texts can be their values. */
const types: Readonly<Record<string, { array: string; isValue(text: string): boolean }>> = {
  int2: { array: 'int8[]', isValue: isInteger },
  int4: { array: 'int8[]', isValue: isInteger },
  int8: { array: 'int8[]', isValue: isInteger },
  uuid: { array: 'uuid[]', isValue: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) },
  text: { array: 'text[]', isValue: isText },
  varchar: { array: 'text[]', isValue: isText },
};

/**
 * The table of an application's users, with the password, as a hash, that each has now. It is asked for many at once, in
 * the snapshot in which the sessions are read.
 */
export class UsersTable {
  readonly #client: Client;
  readonly #query: string;
  readonly #isValue: (text: string) => boolean;

  private constructor(client: Client, query: string, isValue: (text: string) => boolean) {
    this.#client = client;
    this.#query = query;
    this.#isValue = isValue;
  }

  /** `from`: the table's name in quotes. @throws the driver's error, or `source_unreadable` */
  static async open(client: Client, from: string): Promise<UsersTable> {
    const { rows } = await client.query(
      `SELECT format('%I', a.attname) AS name, t.typname AS type
         FROM pg_index AS i
         JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         JOIN pg_type AS t ON t.oid = a.atttypid
        WHERE i.indisprimary AND i.indrelid = $1::regclass`,
      [from],
    );
    const [key, ...others] = rows as { name: string; type: string }[];
    if (!key || others.length > 0) {
      throw new CurfewError('source_unreadable', { detail: `The table ${from} has no primary key of one column.` });
    }
    const { rows: columns } = await client.query(
      `SELECT FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'is_active' AND NOT attisdropped`,
      [from],
    );
    // A model of one's own may have no such column; then all of its users are active.
    const active = columns.length > 0 ? 'u.is_active' : 'true';
    const type = types[key.type];
    const wanted = type ? `u.${key.name} = ANY ($1::${type.array})` : `u.${key.name}::text = ANY ($1::text[])`;
    const query = `SELECT u.${key.name}::text AS id, u.password, ${active} AS active FROM ${from} AS u WHERE ${wanted}`;
    // Shows at once whether it may be read.
    await client.query(query, [[]]);
    return new UsersTable(client, query, type?.isValue ?? isText);
  }

  /** The users with these ids, by id; those that do not exist are left out. */
  async find(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, FoundUser>> {
    const values = [...ids].filter(this.#isValue);
    if (values.length === 0) return new Map();
    const { rows } = await this.#client.query(this.#query, [values]);
    const found = rows as { id: string; password: string | null; active: boolean | null }[];
    return new Map(
      found.map(({ id, password, active }) => [id, { password: password ?? '', isActive: active === true }]),
    );
  }
}

const most = 2n ** 63n;

function isInteger(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt(text) < most && BigInt(text) >= -most;
}

/** PostgreSQL has no texts with the character zero. */
function isText(text: string): boolean {
  return !text.includes('\0');
}
