import type { Decoded, FoundSession, Json } from './source.ts';

/** A format of sessions that can be imported, and where it is found. */
export type Kind = {
  /** What its cookies are called as aliases of a session. */
  alias: string;
  /** Where the user's id is in a session's JSON, unless `--user-id` says so: the first of these places with anything. */
  user: readonly string[];
  /** Whether use moves the end of a session, so that one in use goes on. */
  slides: boolean;
  /** The SHA-256 of the secret that belongs to an entry's key; absent if the key is the secret. */
  hash?(key: string): string;
  redis?: RedisFormat;
  postgres?: PostgresFormat;
};

/** Sessions as keys of a Redis. */
export type RedisFormat = {
  prefix: string;
  /** Where the user's id is, if not where the kind has it elsewhere. */
  user?: readonly string[];
  /** `ttl`: milliseconds that the key has left; `undefined`: it has no end. @throws Unreadable */
  read(text: string, ttl: number | undefined, now: number): Decoded;
  /** Another key, without the prefix, that may say that a session has ended. */
  endings?: { keyOf(session: Decoded): string | undefined; hasEnded(session: Decoded, text: string): boolean };
};

/** Sessions as rows. The names of columns are found whatever their case and their underscores. */
export type PostgresFormat = {
  table: string;
  secret: string;
  expires: string;
  created?: string;
  seen?: string;
  /** The column that contains everything else, as text. */
  content?: string;
  /** Times without a zone are in that of the server, as its own functions write them. */
  zoneOfServer?: boolean;
  /** Columns that the decoder takes from the row, by the names that it knows them by. */
  others?: readonly string[];
  /** `key`: the content of the file in `--secret`. @throws Unreadable */
  read(entry: Entry, now: number, key: string | undefined): Decoded;
  users?: UsersFormat;
};

/** The users of an application whose row says, with the key in `--secret`, whether it still accepts a session. */
export type UsersFormat = {
  table: string;
  /** The user of a session, as in the table's primary key; `undefined` if nobody is signed in. */
  idOf(session: Decoded): string | undefined;
  /** `user`: `undefined` if there is no such row. @throws Unreadable if the application refuses the session */
  check(session: Decoded, user: FoundUser | undefined, key: string): void;
  /** What the receipt says if this was not checked; `why`: without a table that can be read. */
  unchecked(why: string | undefined): string;
};

export type FoundUser = { readonly password: string; readonly isActive: boolean };

export type Entry = {
  times: Pick<FoundSession, 'expiresAt' | 'createdAt' | 'lastSeenAt'>;
  /** Empty if there is no such column. */
  content: string;
  /** All other columns; empty if there is a column with the content. */
  row: Json;
};
