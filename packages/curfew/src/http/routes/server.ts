import { version } from '../../version.ts';
import { operation } from '../operation.ts';
import { presentState } from '../present.ts';
import { maybe, oneOf, Type, time } from '../schemas.ts';

const lag = Type.Integer({ description: 'Changes that it has not applied yet.' });

export const serverState = operation({
  id: 'serverState',
  method: 'GET',
  path: '/v1/server',
  tag: 'Operation',
  summary: 'Read the state of the server: its store, the nodes, the applications, the settings, and what to mend',
  description:
    '`nodes` are all servers on the store. `verifiers` are those of the applications that are attached to the server that ' +
    'answers. `settings` has no secrets. `findings` are what `curfew doctor` reports about a running server.',
  access: { permission: 'events.read' },
  answer: {
    status: 200,
    description: 'The state.',
    schema: Type.Object({
      version: Type.String({ description: 'The version of Curfew.' }),
      startedAt: time('When the server started.'),
      store: Type.Object({
        kind: Type.String({ description: '`lmdb`, `postgres` or `redis`.' }),
        engine: Type.String({ description: 'The engine, with its version.' }),
        location: Type.String({ description: 'Without a password.' }),
        format: Type.Integer({ description: 'The version of Curfew’s own format.' }),
        bytes: Type.Integer({ description: 'Bytes that it occupies.' }),
        facts: Type.Record(Type.String(), Type.Unknown(), { description: 'Anything else, by name.' }),
      }),
      nodes: Type.Array(
        Type.Object({
          id: Type.String(),
          here: Type.Boolean({ description: 'Whether it is the server that answers.' }),
          lag,
          silentMs: Type.Integer({ description: 'Milliseconds for which it has not been seen to renew its lease.' }),
          alive: Type.Boolean({ description: 'Whether its lease may still be valid, so that ends wait for it.' }),
        }),
      ),
      verifiers: Type.Array(
        Type.Object({
          name: maybe(Type.String({ description: 'The name that the application gave it.' })),
          key: Type.Object({ id: Type.String(), name: Type.String() }),
          attached: Type.Boolean({ description: 'If not, it has left, but its lease may still be valid.' }),
          leaseMs: Type.Integer({ description: 'Milliseconds that are left of its lease; 0 if it holds none.' }),
          lag,
        }),
      ),
      settings: Type.Array(
        Type.Object({
          name: Type.String({ description: 'Its environment variable.' }),
          value: Type.String(),
          isDefault: Type.Boolean(),
          help: Type.String(),
        }),
      ),
      findings: Type.Array(
        Type.Object({
          check: Type.String(),
          state: oneOf(['ok', 'warning', 'fault']),
          says: Type.String(),
          remedy: maybe(Type.String({ description: 'What to do about it.' })),
        }),
      ),
    }),
  },
  handle: async ({ state }) => ({ version, ...presentState(await state()) }),
});
