import { hash } from 'node:crypto';
import { CurfewError } from '../errors.ts';

/*
 * A cursor holds where a list continues, and for which query, so that it cannot be used with another. It holds no
 * secret and grants nothing, so it is not signed; a made-up one only leads to another page of the same list.
 */
const version = 1;

export function encodeCursor(position: string, query: unknown): string {
  return Buffer.from(JSON.stringify([version, fingerprint(query), position])).toString('base64url');
}

/**
 * The position that a cursor holds; `undefined` without a cursor.
 * @throws `cursor_invalid`, `cursor_of_another_query`
 */
export function decodeCursor(cursor: string | undefined, query: unknown): string | undefined {
  if (cursor === undefined) return undefined;
  const [made, of, position] = partsOf(cursor);
  if (made !== version || typeof of !== 'string' || typeof position !== 'string')
    throw new CurfewError('cursor_invalid');
  if (of !== fingerprint(query)) throw new CurfewError('cursor_of_another_query');
  return position;
}

function partsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function fingerprint(query: unknown): string {
  return hash('sha256', JSON.stringify(query), 'base64url').slice(0, 16);
}
