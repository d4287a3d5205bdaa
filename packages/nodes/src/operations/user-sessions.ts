import { faultOf } from '../fault.ts';
import { fieldsOf, type Parameter, requiredText, textOf, textsOf } from '../parameter.ts';
import { callCurfew } from '../services/curfew.ts';
import { accessGroups, sessionUserId, tokenOrId } from '../session-parameters.ts';
import { sessionDetails } from './details.ts';
import {
  notFoundOutput,
  type Operation,
  objectOutput,
  sessionOutput,
  sessionsOutput,
  triggerOutput,
} from './operation.ts';
import { allPages } from './pages.ts';

const someGroups: Parameter = { ...accessGroups, required: true };

export const createUserSession: Operation = {
  name: 'createUserSession',
  label: 'Create User Session',
  action: 'Create a user session',
  resource: 'userSession',
  help: 'Opens a session for a user. Its tokens are output once, here: nothing can show them again.',
  inputs: 'several',
  outputs: [{ ...sessionOutput, help: 'The session, with token and refreshToken', done: 'created' }],
  parameters: [sessionUserId, accessGroups, ...sessionDetails],
  async run(connection, values) {
    const { session, token, refreshToken } = await callCurfew(connection, (client, options) =>
      client.createSession(
        {
          ...fieldsOf(sessionDetails, values),
          userId: requiredText(values, 'userId'),
          accessGroups: textsOf(values, 'accessGroups'),
        },
        options,
      ),
    );
    return { output: 'session', value: { ...session, token, refreshToken } };
  },
};

export const getUserSession: Operation = {
  name: 'getUserSession',
  label: 'Get a Specific Session of User',
  action: 'Get a session of a user',
  resource: 'userSession',
  help: 'Reads a session of a user by its token or its ID. A session that is unknown, has ended or belongs to another user is not found.',
  inputs: 'several',
  outputs: [sessionOutput, notFoundOutput],
  parameters: [sessionUserId, tokenOrId],
  async run(connection, values) {
    const body = { userId: requiredText(values, 'userId'), token: requiredText(values, 'sessionToken') };
    try {
      const { session } = await callCurfew(connection, (client, options) => client.findUserSession(body, options));
      return { output: 'session', value: session };
    } catch (error) {
      if (faultOf(error).code === 'session_not_found') {
        const told = `The user ${JSON.stringify(body.userId)} has no such session, or it has ended.`;
        return { output: 'notFound', passes: true, told };
      }
      throw error;
    }
  },
};

export const getUserSessions: Operation = {
  name: 'getUserSessions',
  label: 'Get All Sessions of User',
  action: 'Get all sessions of a user',
  resource: 'userSession',
  help: 'Lists all sessions of a user that have not ended.',
  inputs: 'one',
  outputs: [sessionsOutput],
  parameters: [sessionUserId],
  async run(connection, values) {
    const userId = requiredText(values, 'userId');
    const list = await allPages((cursor) =>
      callCurfew(connection, (client, options) => client.listUserSessions({ userId, limit: 100, cursor }, options)),
    );
    return {
      output: 'sessions',
      list,
      none: `The user ${JSON.stringify(userId)} has no session, or all of them have ended.`,
    };
  },
};

export const deleteUserSession: Operation = {
  name: 'deleteUserSession',
  label: 'Delete Specific Session of User',
  action: 'Delete a session of a user',
  resource: 'userSession',
  help: 'Ends a session of a user by its token or its ID. If it has already ended, the operation succeeds too.',
  inputs: 'several',
  outputs: [triggerOutput],
  parameters: [sessionUserId, tokenOrId],
  async run(connection, values) {
    const body = { userId: requiredText(values, 'userId'), token: requiredText(values, 'sessionToken') };
    return {
      output: 'trigger',
      value: await callCurfew(connection, (client, options) => client.endUserSession(body, options)),
    };
  },
};

export const deleteUserSessions: Operation = {
  name: 'deleteUserSessions',
  label: 'Delete All Sessions of User',
  action: 'Delete all user sessions',
  resource: 'userSession',
  help: 'Ends all sessions of a user in one step, including those being opened at this moment.',
  inputs: 'one',
  outputs: [triggerOutput],
  parameters: [
    sessionUserId,
    {
      name: 'exceptSessionId',
      label: 'Except Session ID',
      help: 'The ID of a session of the user that does not end',
      kind: 'text',
      max: 64,
      extra: true,
      narrows: true,
    },
  ],
  async run(connection, values) {
    const input = { userId: requiredText(values, 'userId'), except: textOf(values, 'exceptSessionId') };
    return {
      output: 'trigger',
      value: await callCurfew(connection, (client, options) => client.endUserSessions(input, options)),
    };
  },
};

export const addAccessGroup: Operation = {
  name: 'addAccessGroup',
  label: 'Add Access Group to User Session',
  action: 'Add an access group',
  resource: 'userSession',
  help: 'Adds access groups to all sessions of a user that have not ended: all or none.',
  inputs: 'several',
  outputs: [{ ...objectOutput, done: 'groups added' }],
  parameters: [sessionUserId, someGroups],
  run: (connection, values) => changeGroups(connection, values, 'add'),
};

export const removeAccessGroup: Operation = {
  name: 'removeAccessGroup',
  label: 'Remove Access Group From User Session',
  action: 'Remove an access group',
  resource: 'userSession',
  help: 'Removes access groups from all sessions of a user that have not ended: all or none.',
  inputs: 'several',
  outputs: [{ ...objectOutput, done: 'groups removed' }],
  parameters: [sessionUserId, someGroups],
  run: (connection, values) => changeGroups(connection, values, 'remove'),
};

async function changeGroups(
  ...[connection, values, change]: [...Parameters<Operation['run']>, 'add' | 'remove']
): ReturnType<Operation['run']> {
  const [userId, groups] = [requiredText(values, 'userId'), textsOf(values, 'accessGroups') ?? []];
  const input = { userId, [change]: groups };
  await callCurfew(connection, (client, options) => client.changeAccessGroups(input, options));
  const done = change === 'add' ? 'added to' : 'removed from';
  const told = `${groups.map((group) => JSON.stringify(group)).join(', ')} ${done} all sessions of the user ${JSON.stringify(userId)}.`;
  return { output: 'outputObject', passes: true, told };
}
