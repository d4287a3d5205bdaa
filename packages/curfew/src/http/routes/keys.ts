import { permissions } from '../../domain/permissions.ts';
import { operation } from '../operation.ts';
import { presentKey, presentReceipt } from '../present.ts';
import { ApiKey, maybe, oneOf, paging, Receipt, ref, Type, text, waiting } from '../schemas.ts';

const tag = 'API keys';
const byId = Type.Object(
  { id: text(64, 'The id of a key.', { examples: ['0V7oZk3H8e9Jb2Yw4tQxLm'] }) },
  { additionalProperties: false },
);
const oneKey = Type.Object({ key: ref(ApiKey) });

export const createKey = operation({
  id: 'createKey',
  method: 'POST',
  path: '/v1/keys',
  tag,
  summary: 'Create an API key',
  description:
    'Its token is shown once. You cannot grant a scope that you do not have. A key without scopes is for browsers: only ' +
    'the Altogic dialect accepts it.',
  // A key needs no factor for anything, so a person needs one to make it.
  access: { permission: 'keys.manage', person: 'second-factor' },
  guards: 'key',
  body: Type.Object(
    {
      name: text(1000, 'What it is for.', { examples: ['n8n'] }),
      scopes: Type.Array(oneOf(permissions), {
        maxItems: 20,
        description: 'What the key may do. If empty: a key for browsers.',
        examples: [['sessions.end']],
      }),
    },
    { additionalProperties: false },
  ),
  answer: {
    status: 201,
    description: 'The key, and its token.',
    schema: Type.Object({ key: ref(ApiKey), token: Type.String({ examples: ['cfk_…'] }) }),
  },
  errors: ['permission_missing', 'clock_stepped_back'],
  async handle({ authority, caller, body }) {
    const { key, token } = await authority.createKey(caller, body);
    return { key: presentKey(key), token };
  },
});

export const listKeys = operation({
  id: 'listKeys',
  method: 'GET',
  path: '/v1/keys',
  tag,
  summary: 'List API keys, newest first',
  access: { permission: 'keys.manage' },
  query: Type.Object({ ...paging }, { additionalProperties: false }),
  answer: {
    status: 200,
    description: 'A page of keys.',
    schema: Type.Object({ keys: Type.Array(ref(ApiKey)), nextCursor: maybe(Type.String()) }),
  },
  errors: ['limit_out_of_range', 'cursor_invalid', 'cursor_of_another_query'],
  async handle({ authority, query }) {
    const list = await authority.listKeys(query);
    return { ...list, keys: list.keys.map(presentKey) };
  },
});

export const getKey = operation({
  id: 'getKey',
  method: 'GET',
  path: '/v1/keys/:id',
  tag,
  summary: 'Read an API key',
  access: { permission: 'keys.manage' },
  params: byId,
  answer: { status: 200, description: 'The key.', schema: oneKey },
  errors: ['key_not_found'],
  async handle({ authority, params }) {
    return { key: presentKey(await authority.getKey(params.id)) };
  },
});

export const revokeKey = operation({
  id: 'revokeKey',
  method: 'DELETE',
  path: '/v1/keys/:id',
  tag,
  summary: 'Revoke an API key',
  description:
    'When this answers, no server accepts the key any more, and the event streams and verifiers that were opened with it ' +
    'are cut off. Revoking a key again is not an error.',
  access: { permission: 'keys.manage', person: 'fresh-sign-in' },
  guards: 'key',
  params: byId,
  query: waiting,
  answer: {
    status: 200,
    description: 'The key is revoked.',
    schema: Type.Object({ key: ref(ApiKey), receipt: ref(Receipt) }),
  },
  errors: ['key_not_found'],
  async handle({ authority, caller, params, query }) {
    const { key, receipt } = await authority.revokeKey(caller, params.id, query.wait);
    return { key: presentKey(key), receipt: presentReceipt(receipt) };
  },
});
