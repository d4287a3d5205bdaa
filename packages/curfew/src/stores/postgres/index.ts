import { CurfewError } from '../../errors.ts';
import { type Ruled, rulesOver } from '../../rules/index.ts';
import { Database } from './database.ts';
import { openFault } from './faults.ts';
import { parseLocation } from './location.ts';
import { migrate, type Plan, planMigration } from './migrate.ts';
import { PostgresStore as Rest, sharesOf } from './store.ts';

export { parseLocation } from './location.ts';

/** The store: the engine, with the rules over it. */
export type PostgresStore = Rest & Ruled;

/**
 * Opens a store on a PostgreSQL server, and migrates its schema to the current version.
 * @throws `config_invalid`, `store_unavailable`, `store_login_refused`, `store_database_missing`, `store_denied`,
 *   `store_read_only`, `store_unsafe`, `store_version`
 */
export async function openPostgresStore(url: string): Promise<PostgresStore> {
  const location = parseLocation(url);
  const database = new Database(location, { connections: sharesOf(location).others });
  const store = new Rest(database);
  try {
    await refuseEncoding(database);
    await migrate(database);
    await store.connect();
    return Object.assign(store, rulesOver(store.engine));
  } catch (error) {
    await store.close();
    throw openFault(error, database.location.shown);
  }
}

/** What opening would change in the schema. Changes nothing. */
export async function planPostgres(url: string): Promise<Plan> {
  const database = new Database(parseLocation(url));
  try {
    await refuseEncoding(database);
    return await planMigration(database);
  } catch (error) {
    throw openFault(error, database.location.shown);
  } finally {
    await database.close();
  }
}

/** Names are any text, which only UTF-8 can store: other encodings would reject some, or confuse them. */
async function refuseEncoding(database: Database): Promise<void> {
  const [row] = await database.read({ text: "SELECT current_setting('server_encoding') AS encoding" });
  if (row!['encoding'] === 'UTF8') return;
  const { shown, client } = database.location;
  throw new CurfewError('store_unsafe', {
    detail:
      `The encoding of ${shown} is ${row!['encoding']}, and must be UTF8: ` +
      `CREATE DATABASE ${client.database} ENCODING 'UTF8' TEMPLATE template0.`,
  });
}
