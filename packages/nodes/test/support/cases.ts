import assert from 'node:assert/strict';
import type { TestServer } from '../../../curfew/test/support/server.ts';

type Json = ReturnType<typeof JSON.parse>;

/** The input, the parameters of a node and the expected result, on one output of one operation. */
export type Prepared = {
  parameters: Record<string, unknown>;
  /** The expected items there, as a list of objects; for `errors` its entries. */
  check(put: Json[]): void | Promise<void>;
};

/** A case of an operation that every engine must pass, with automatic and with manual errors. */
export type Case = {
  operation: string;
  output: string;
  prepare(server: TestServer): Promise<Prepared>;
};

/** The incoming object, for outputs that pass it on. */
export const input = { note: 'as it was', number: 7 };

const nobody = '0000000000000000000000';
const passed = (put: Json[]) => assert.deepEqual(put, [input]);
const fails =
  (parameters: Record<string, unknown>, code: string, message: RegExp, origin = 'client') =>
  async () => ({
    parameters,
    check([entry, ...more]: Json[]) {
      assert.deepEqual([entry.code, entry.origin, more], [code, origin, []]);
      assert.match(entry.message, message);
    },
  });

/** One session of a user, and the check that it has ended. */
async function one(server: TestServer, userId = 'ada', more: object = {}) {
  const opened = await server.createSession(userId, more);
  return {
    ...opened,
    userId,
    async over(reason = 'ended_by_admin') {
      assert.deepEqual(await server.verify(opened.token), { active: false, reason });
    },
  };
}

async function groupsOf(server: TestServer, token: string): Promise<string[]> {
  return (await server.verify(token)).session.accessGroups;
}

let users = 0;
/** A user that no other case has. */
const someone = () => `user-${users++}`;

export const cases: readonly Case[] = [
  {
    operation: 'createUserSession',
    output: 'session',
    async prepare(server) {
      const userId = someone();
      return {
        parameters: {
          userId,
          accessGroups: 'staff, billing',
          sessionMetadata: { from: 'flow' },
          sessionLifetime: 3600,
        },
        async check([session, ...more]) {
          assert.deepEqual([session.userId, session.accessGroups, more], [userId, ['staff', 'billing'], []]);
          assert.match(session.refreshToken, /^cfr_/);
          const verdict = await server.verify(session.token);
          assert.deepEqual([verdict.session.id, verdict.session.metadata], [session.id, { from: 'flow' }]);
        },
      };
    },
  },
  {
    operation: 'createUserSession',
    output: 'errors',
    prepare: fails({ userId: '' }, 'missing_parameter', /Session User ID/),
  },
  {
    operation: 'getUserSession',
    output: 'session',
    async prepare(server) {
      const { userId, token, session } = await one(server, someone());
      return {
        parameters: { userId, sessionToken: token },
        check: ([put]) => assert.deepEqual([put.id, put.status], [session.id, 'active']),
      };
    },
  },
  {
    operation: 'getUserSession',
    output: 'notFound',
    async prepare(server) {
      const { token } = await one(server, someone());
      return { parameters: { userId: 'somebody else', sessionToken: token }, check: passed };
    },
  },
  {
    operation: 'getUserSession',
    output: 'errors',
    prepare: fails({ userId: 'ada', sessionToken: '' }, 'missing_parameter', /Session Token/),
  },
  {
    operation: 'getUserSessions',
    output: 'sessions',
    async prepare(server) {
      const userId = someone();
      const opened = [await one(server, userId), await one(server, userId), await one(server, userId)];
      await server.call('DELETE', `/v1/sessions/${opened[2]?.session.id}`);
      return {
        parameters: { userId },
        check(put) {
          const wanted = opened.slice(0, 2).map(({ session }) => session.id);
          assert.deepEqual(new Set(put.map(({ id }) => id)), new Set(wanted));
        },
      };
    },
  },
  {
    operation: 'getUserSessions',
    output: 'errors',
    prepare: fails(
      { userId: 'x'.repeat(256) },
      'invalid_parameter',
      /“Session User ID” has 256 bytes; the maximum is 255/,
    ),
  },
  {
    operation: 'deleteUserSession',
    output: 'trigger',
    async prepare(server) {
      const { userId, session, over } = await one(server, someone());
      return {
        parameters: { userId, sessionToken: session.id },
        async check([put]) {
          assert.deepEqual([put.success, put.receipt.everywhere], [true, true]);
          await over();
        },
      };
    },
  },
  {
    operation: 'deleteUserSession',
    output: 'errors',
    prepare: fails({ userId: 'ada', sessionToken: nobody }, 'session_not_found', /Curfew: There is no such session/),
  },
  {
    operation: 'deleteUserSessions',
    output: 'trigger',
    async prepare(server) {
      const userId = someone();
      const [first, second, spared] = [await one(server, userId), await one(server, userId), await one(server, userId)];
      return {
        parameters: { userId, exceptSessionId: spared.session.id },
        async check([put]) {
          assert.equal(put.ended, 2);
          await Promise.all([first.over('all_of_user'), second.over('all_of_user')]);
          assert.equal((await server.verify(spared.token)).active, true);
        },
      };
    },
  },
  {
    operation: 'deleteUserSessions',
    output: 'errors',
    prepare: fails({ userId: 'ada', exceptSessionId: nobody }, 'session_not_found', /no such session/),
  },
  {
    operation: 'addAccessGroup',
    output: 'outputObject',
    async prepare(server) {
      const { userId, token } = await one(server, someone(), { accessGroups: ['staff'] });
      return {
        parameters: { userId, accessGroups: ['billing', 'night'] },
        async check(put) {
          passed(put);
          assert.deepEqual(new Set(await groupsOf(server, token)), new Set(['staff', 'billing', 'night']));
        },
      };
    },
  },
  {
    operation: 'addAccessGroup',
    output: 'errors',
    prepare: fails(
      { userId: 'ada', accessGroups: Array.from({ length: 1000 }, (_, i) => `key-${i}`) },
      'invalid_parameter',
      /“Access Groups” has 1000 entries; the maximum is 100/,
    ),
  },
  {
    operation: 'removeAccessGroup',
    output: 'outputObject',
    async prepare(server) {
      const { userId, token } = await one(server, someone(), { accessGroups: ['staff', 'billing'] });
      return {
        parameters: { userId, accessGroups: 'billing' },
        async check(put) {
          passed(put);
          assert.deepEqual(await groupsOf(server, token), ['staff']);
        },
      };
    },
  },
  {
    operation: 'removeAccessGroup',
    output: 'errors',
    prepare: fails({ userId: 'ada', accessGroups: [] }, 'missing_parameter', /Access Groups/),
  },
  {
    operation: 'verifySession',
    output: 'active',
    async prepare(server) {
      const { token, session } = await one(server, someone());
      return { parameters: { sessionToken: token }, check: ([put]) => assert.equal(put.id, session.id) };
    },
  },
  {
    operation: 'verifySession',
    output: 'inactive',
    async prepare(server) {
      const { token, session } = await one(server, someone());
      await server.call('DELETE', `/v1/sessions/${session.id}`);
      return {
        parameters: { sessionToken: token },
        check: ([put]) => assert.deepEqual(put, { active: false, reason: 'ended_by_admin' }),
      };
    },
  },
  {
    operation: 'verifySession',
    output: 'errors',
    async prepare(server) {
      const { refreshToken } = await one(server, someone());
      return fails({ sessionToken: refreshToken }, 'invalid_parameter', /“Session Token” contains a refresh token/)();
    },
  },
  {
    operation: 'getSessions',
    output: 'sessions',
    async prepare(server) {
      const user = someone();
      for (let i = 0; i < 103; i++) await server.createSession(user);
      return { parameters: { filterUser: user, returnAll: true }, check: (put) => assert.equal(put.length, 103) };
    },
  },
  {
    operation: 'getSessions',
    output: 'errors',
    prepare: fails({ limit: -1 }, 'invalid_parameter', /“Limit” is -1; it must be from 1 to/),
  },
  {
    operation: 'endSessionById',
    output: 'trigger',
    async prepare(server) {
      const { session, over } = await one(server, someone());
      return { parameters: { sessionId: session.id }, check: () => over() };
    },
  },
  {
    operation: 'endSessionById',
    output: 'errors',
    prepare: fails({ sessionId: nobody }, 'session_not_found', new RegExp(nobody)),
  },
  {
    operation: 'endSessionByName',
    output: 'trigger',
    async prepare(server) {
      const name = someone();
      const { over } = await one(server, 'ada', { name });
      return { parameters: { sessionName: name }, check: () => over() };
    },
  },
  {
    operation: 'endSessionByName',
    output: 'errors',
    prepare: fails({ sessionName: 'nobody-has-it' }, 'session_not_found', /nobody-has-it/),
  },
  {
    operation: 'refreshSession',
    output: 'session',
    async prepare(server) {
      const { refreshToken, token, session } = await one(server, someone());
      return {
        parameters: { refreshToken },
        async check([put]) {
          assert.equal(put.id, session.id);
          assert.equal((await server.verify(put.token)).active, true);
          assert.equal((await server.verify(token)).active, false);
        },
      };
    },
  },
  {
    operation: 'refreshSession',
    output: 'errors',
    async prepare(server) {
      const { token } = await one(server, someone());
      return fails({ refreshToken: token }, 'invalid_parameter', /contains a session token \(an access token\)/)();
    },
  },
];
