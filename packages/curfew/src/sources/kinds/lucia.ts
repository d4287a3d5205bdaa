import type { Kind } from '../kind.ts';
import { sha256 } from '../source.ts';

/** In Lucia 3 the id is what the cookie holds. In Lucia's later guide it is the SHA-256 of that, in hex digits. */
export const lucia: Kind = {
  alias: 'lucia',
  user: ['user_id'],
  slides: true,
  hash: (id) => (/^[0-9a-f]{64}$/.test(id) ? Buffer.from(id, 'hex').toString('base64url') : sha256(id)),
  postgres: {
    table: 'user_session',
    secret: 'id',
    expires: 'expires_at',
    others: ['user_id'],
    read: ({ row, times }) => {
      const { user_id: _, ...data } = row;
      return { json: row, data, ...times };
    },
  },
};
