import type { DialectPlugin } from '../http/server.ts';
import { altogic } from './altogic/routes.ts';
import type { Dialect, DialectSettings } from './dialect.ts';
import { directus } from './directus/routes.ts';
import type { DialectName } from './names.ts';
import { rocketchat } from './rocketchat/routes.ts';
import { waha } from './waha/routes.ts';

const dialects: Record<DialectName, Dialect> = { rocketchat, directus, waha, altogic };

/** The chosen dialects, each at its native paths and, for clients that take a base URL, under its name. */
export function mountDialects(names: readonly DialectName[], settings: DialectSettings): DialectPlugin[] {
  return names.flatMap((name) =>
    ['', `/${name}`].map(
      (prefix): DialectPlugin =>
        async (app, services) => {
          await app.register(async (scope) => dialects[name](scope, services, settings), { prefix });
        },
    ),
  );
}
