import type { Caller } from '../../authority/caller.ts';
import type { NamedChange } from '../../authority/named-sessions.ts';
import { operation } from '../operation.ts';
import { presentNamed, presentReceipt, presentShownNamed } from '../present.ts';
import {
  anyName,
  maybe,
  NamedSession,
  paging,
  Receipt,
  ref,
  ShownNamedSession,
  sessionName,
  Type,
  waiting,
} from '../schemas.ts';

const tag = 'Named sessions';
const byName = Type.Object({ name: sessionName }, { additionalProperties: false });
const config = Type.Record(anyName, Type.Unknown(), {
  description: 'JSON of your own, at most 16 KiB.',
  examples: [{ colour: 'green' }],
});
const one = Type.Object({ named: ref(NamedSession) });
const shown = Type.Object({ named: ref(ShownNamedSession) });
const changed = Type.Object({ named: ref(ShownNamedSession), receipt: maybe(ref(Receipt)) });

const presentChange = (caller: Caller, { named, receipt }: NamedChange) => ({
  named: presentShownNamed(caller, named),
  receipt: receipt && presentReceipt(receipt),
});

export const createNamedSession = operation({
  id: 'createNamedSession',
  method: 'POST',
  path: '/v1/named-sessions',
  tag,
  summary: 'Create a named session',
  description: 'It waits for a session (`POST /v1/sessions` with its name), or is stopped until it is started.',
  access: { permission: 'sessions.create', person: 'second-factor' },
  body: Type.Object(
    { name: sessionName, config: maybe(config), start: maybe(Type.Boolean({ default: true })) },
    { additionalProperties: false },
  ),
  answer: { status: 201, description: 'The named session.', schema: one },
  errors: ['named_session_exists', 'server_busy', 'clock_stepped_back'],
  async handle({ authority, caller, body }) {
    return { named: presentNamed(await authority.createNamedSession(caller, body)) };
  },
});

export const listNamedSessions = operation({
  id: 'listNamedSessions',
  method: 'GET',
  path: '/v1/named-sessions',
  tag,
  summary: 'List named sessions by name',
  access: { permission: 'sessions.read' },
  query: Type.Object({ ...paging }, { additionalProperties: false }),
  answer: {
    status: 200,
    description: 'A page of named sessions.',
    schema: Type.Object({ namedSessions: Type.Array(ref(NamedSession)), nextCursor: maybe(Type.String()) }),
  },
  errors: ['limit_out_of_range', 'cursor_invalid', 'cursor_of_another_query'],
  async handle({ authority, query }) {
    const list = await authority.listNamedSessions(query);
    return { ...list, namedSessions: list.namedSessions.map(presentNamed) };
  },
});

export const getNamedSession = operation({
  id: 'getNamedSession',
  method: 'GET',
  path: '/v1/named-sessions/:name',
  tag,
  summary: 'Read a named session',
  access: { permission: 'sessions.read' },
  params: byName,
  answer: { status: 200, description: 'The named session.', schema: one },
  errors: ['named_session_not_found'],
  async handle({ authority, params }) {
    return { named: presentNamed(await authority.getNamedSession(params.name)) };
  },
});

export const updateNamedSession = operation({
  id: 'updateNamedSession',
  method: 'PUT',
  path: '/v1/named-sessions/:name',
  tag,
  summary: 'Set the configuration of a named session',
  access: { permission: 'sessions.create', person: 'second-factor' },
  guards: 'account',
  params: byName,
  body: Type.Object({ config }, { additionalProperties: false }),
  answer: { status: 200, description: 'The named session.', schema: shown },
  errors: ['named_session_not_found', 'server_busy', 'changed_meanwhile'],
  async handle({ authority, caller, params, body }) {
    return { named: presentShownNamed(caller, await authority.updateNamedSession(caller, params.name, body)) };
  },
});

export const deleteNamedSession = operation({
  id: 'deleteNamedSession',
  method: 'DELETE',
  path: '/v1/named-sessions/:name',
  tag,
  summary: 'Remove a named session and end the session in it',
  access: { permission: 'sessions.end', person: 'second-factor' },
  params: byName,
  query: waiting,
  answer: {
    status: 200,
    description: 'The named session is removed.',
    schema: Type.Object({ success: Type.Boolean(), receipt: maybe(ref(Receipt)) }),
  },
  errors: ['named_session_not_found', 'server_busy', 'changed_meanwhile'],
  async handle({ authority, caller, params, query }) {
    const { receipt } = await authority.removeNamedSession(caller, params.name, query.wait);
    return { success: true, receipt: receipt && presentReceipt(receipt) };
  },
});

const acts = {
  start: {
    summary: 'Start a named session',
    description: 'A suspended session in it becomes valid again. If it is started already, nothing changes.',
    access: { permission: 'sessions.create', person: 'second-factor' },
    guards: 'account',
  },
  stop: {
    summary: 'Stop a named session',
    description:
      'The session in it is suspended: kept, but not valid until the next start. If it is stopped already, nothing changes.',
    access: { permission: 'sessions.end', person: 'second-factor' },
  },
  restart: {
    summary: 'Stop and start a named session',
    description:
      'Every application has to verify its session anew. If it is stopped already, it is only started, which also requires ' +
      '`sessions.create`.',
    access: { permission: 'sessions.end', person: 'second-factor' },
    guards: 'account',
  },
  logout: {
    summary: 'End the session in a named session',
    description: 'Its configuration and whether it is started stay the same.',
    access: { permission: 'sessions.end', person: 'second-factor' },
  },
} as const;

const actOn = <Act extends keyof typeof acts>(act: Act) =>
  operation({
    id: `${act}NamedSession`,
    method: 'POST',
    path: `/v1/named-sessions/:name/${act}`,
    tag,
    ...acts[act],
    params: byName,
    query: waiting,
    answer: {
      status: 200,
      description: 'The named session; with a receipt if its session changed.',
      schema: changed,
    },
    errors: ['named_session_not_found', 'server_busy', 'changed_meanwhile'],
    async handle({ authority, caller, params, query }) {
      const run = {
        start: authority.startNamedSession,
        stop: authority.stopNamedSession,
        restart: authority.restartNamedSession,
        logout: authority.logoutNamedSession,
      }[act];
      return presentChange(caller, await run(caller, params.name, query.wait));
    },
  });

export const startNamedSession = actOn('start');
export const stopNamedSession = actOn('stop');
export const restartNamedSession = actOn('restart');
export const logoutNamedSession = actOn('logout');
