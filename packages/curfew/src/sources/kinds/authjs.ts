import type { Kind } from '../kind.ts';

/** Auth.js with its `database` strategy: the table of `@auth/pg-adapter`, and of other adapters for PostgreSQL. */
export const authjs: Kind = {
  alias: 'authjs',
  user: ['userId'],
  slides: true,
  postgres: {
    table: 'sessions',
    secret: 'sessionToken',
    expires: 'expires',
    others: ['userId'],
    read: ({ row, times }) => {
      const { id: _, userId: __, ...data } = row;
      return { json: row, data, ...times };
    },
  },
};
