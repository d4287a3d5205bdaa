import type { Operation } from '../operation.ts';
import * as accounts from './accounts.ts';
import * as events from './events.ts';
import * as forwardAuth from './forward-auth.ts';
import * as keys from './keys.ts';
import * as login from './login.ts';
import * as named from './named-sessions.ts';
import * as previews from './previews.ts';
import * as probes from './probes.ts';
import * as server from './server.ts';
import * as sessionData from './session-data.ts';
import * as sessions from './sessions.ts';
import * as users from './users.ts';
import * as widget from './widget.ts';

/** Every operation of the native API. */
export const operations: readonly Operation[] = [
  login,
  sessions,
  sessionData,
  previews,
  users,
  named,
  accounts,
  keys,
  events,
  probes,
  server,
  widget,
  forwardAuth,
]
  .flatMap((module) => Object.values(module) as unknown[])
  .filter((value): value is Operation => typeof value === 'object' && value !== null && 'handle' in value);
