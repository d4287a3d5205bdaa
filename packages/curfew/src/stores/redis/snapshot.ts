import type { SessionId } from '../../domain/brand.ts';
import type { SessionSnapshot } from '../contract.ts';
import { decodeEnd, decodeSession, type EndCells } from './codec.ts';
import type { Reply } from './link.ts';

/** A session as scripts return it: its row, or its row and the end that an epoch gave it. */
export function decodeSnapshot(id: SessionId, reply: Reply): SessionSnapshot | undefined {
  if (reply === null) return undefined;
  if (typeof reply === 'string') return { stored: decodeSession(id, reply), epochEnd: undefined };
  const [row, ...end] = reply as [string, ...EndCells];
  return { stored: decodeSession(id, row), epochEnd: decodeEnd(end) };
}
