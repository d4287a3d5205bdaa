import { fieldsOf, flagOf, integerOf, type Parameter, requiredText } from '../parameter.ts';
import { callCurfew } from '../services/curfew.ts';
import { refreshToken, sessionId, sessionToken } from '../session-parameters.ts';
import { type Operation, sessionOutput, sessionsOutput, triggerOutput } from './operation.ts';
import { allPages } from './pages.ts';

const sessionName: Parameter = {
  name: 'sessionName',
  label: 'Session Name',
  help: 'The name of the session',
  kind: 'text',
  required: true,
  max: 100,
  placeholder: 'front-desk',
};

export const verifySession: Operation = {
  name: 'verifySession',
  label: 'Verify',
  action: 'Verify a session token',
  resource: 'session',
  help: 'Checks whether a session token is valid now.',
  inputs: 'one',
  outputs: [
    { name: 'active', label: 'Active', help: 'The session, if the token is valid', done: 'active' },
    {
      name: 'inactive',
      label: 'Inactive',
      help: 'If it is not valid: active (false) and the reason',
      done: 'not active',
    },
  ],
  parameters: [sessionToken],
  async run(connection, values) {
    const body = { token: requiredText(values, 'sessionToken') };
    const verdict = await callCurfew(connection, (client, options) => client.verifySession(body, options));
    return verdict.active && verdict.session
      ? { output: 'active', value: verdict.session }
      : { output: 'inactive', value: verdict };
  },
};

const filters: readonly Parameter[] = [
  {
    name: 'filterText',
    field: 'filter',
    label: 'Text',
    help: 'A text to find in IDs, names, addresses, groups or devices',
    kind: 'text',
    max: 200,
    extra: true,
    narrows: true,
  },
  {
    name: 'filterGroup',
    field: 'group',
    label: 'Access Group',
    help: 'An access group that the session has',
    kind: 'text',
    max: 128,
    extra: true,
    narrows: true,
  },
  {
    name: 'filterIp',
    field: 'ip',
    label: 'IP Address',
    help: 'The address of the device',
    kind: 'text',
    max: 64,
    extra: true,
    narrows: true,
  },
  {
    name: 'filterName',
    field: 'name',
    label: 'Name',
    help: 'The name of the session',
    kind: 'text',
    max: 100,
    extra: true,
    narrows: true,
  },
  {
    name: 'filterStatus',
    field: 'status',
    label: 'Status',
    help: 'The state of the session. Without it, sessions that have ended are listed too.',
    kind: 'choice',
    extra: true,
    choices: [
      { value: 'active', label: 'Active' },
      { value: 'ended', label: 'Ended' },
      { value: 'suspended', label: 'Suspended' },
    ],
  },
  {
    name: 'filterUser',
    field: 'user',
    label: 'User ID',
    help: 'The user to whom the session belongs',
    kind: 'text',
    max: 255,
    extra: true,
    narrows: true,
  },
];

export const getSessions: Operation = {
  name: 'getSessions',
  label: 'Get Many',
  action: 'Get many sessions',
  resource: 'session',
  help: 'Lists sessions across users, newest first. Ended sessions are included, unless “Status” excludes them.',
  inputs: 'one',
  outputs: [sessionsOutput],
  parameters: [
    {
      name: 'returnAll',
      label: 'Return All',
      help: 'Whether to return all results or only up to a given limit',
      kind: 'flag',
      fallback: false,
    },
    {
      name: 'limit',
      label: 'Limit',
      help: 'Max number of results to return',
      kind: 'integer',
      min: 1,
      max: 1_000_000,
      fallback: 50,
      when: { returnAll: [false] },
    },
    ...filters,
  ],
  async run(connection, values) {
    const enough = flagOf(values, 'returnAll') ? Number.POSITIVE_INFINITY : (integerOf(values, 'limit') ?? 50);
    const query = fieldsOf(filters, values);
    const list = await allPages(
      (cursor) =>
        callCurfew(connection, (client, options) =>
          client.listSessions({ ...query, limit: Math.min(enough, 100), cursor }, options),
        ),
      enough,
    );
    return { output: 'sessions', list, none: 'There is no such session.' };
  },
};

export const endSessionById: Operation = {
  name: 'endSessionById',
  label: 'End by ID',
  action: 'End a session by its ID',
  resource: 'session',
  help: 'Ends a session of any user. If it has already ended, the operation succeeds too.',
  inputs: 'one',
  outputs: [triggerOutput],
  parameters: [sessionId],
  async run(connection, values) {
    const input = { id: requiredText(values, 'sessionId') };
    return {
      output: 'trigger',
      value: await callCurfew(connection, (client, options) => client.endSession(input, options)),
    };
  },
};

export const endSessionByName: Operation = {
  name: 'endSessionByName',
  label: 'End by Name',
  action: 'End a session by its name',
  resource: 'session',
  help: 'Ends the session with a given name. If it has already ended, the operation succeeds too.',
  inputs: 'one',
  outputs: [triggerOutput],
  parameters: [sessionName],
  async run(connection, values) {
    const body = { name: requiredText(values, 'sessionName') };
    return {
      output: 'trigger',
      value: await callCurfew(connection, (client, options) => client.logoutSession(body, options)),
    };
  },
};

export const refreshSession: Operation = {
  name: 'refreshSession',
  label: 'Refresh',
  action: 'Refresh a session',
  resource: 'session',
  help: 'Gives a session new tokens; the previous ones become invalid.',
  inputs: 'one',
  outputs: [{ ...sessionOutput, help: 'The session, with its new token and refreshToken', done: 'refreshed' }],
  parameters: [refreshToken],
  async run(connection, values) {
    const body = { refreshToken: requiredText(values, 'refreshToken') };
    const { session, ...tokens } = await callCurfew(connection, (client, options) =>
      client.refreshSession(body, options),
    );
    return { output: 'session', value: { ...session, ...tokens } };
  },
};
