import { idLength } from 'curfew-client/protocol';
import { limits } from '../../domain/limits.ts';
import { permissions, roleNames } from '../../domain/permissions.ts';
import { factorCode } from '../checks/second-factor.ts';
import { operation } from '../operation.ts';
import { presentAccount, presentReceipt } from '../present.ts';
import { Account, maybe, oneOf, paging, Receipt, ref, Type, text, waiting } from '../schemas.ts';

const tag = 'Accounts';
const byId = Type.Object(
  { id: text(limits.userIdBytes, 'The id of an account.', { examples: ['0V7oZk3H8e9Jb2Yw4tQxLm'] }) },
  { additionalProperties: false },
);
const oneAccount = Type.Object({ account: ref(Account) });

const fields = {
  username: text(200, `Unique: 1 to ${limits.username} characters of a-z 0-9 . _ -.`, { examples: ['ada'] }),
  password: Type.String({
    maxLength: 4096,
    description: `At least ${limits.passwordMin} characters.`,
    examples: ['a long password'],
  }),
  roles: Type.Array(oneOf(roleNames), {
    maxItems: 10,
    description:
      '`admin`: may do everything. `support`: sees and ends sessions. `auditor`: only reads. `member`: their own sessions.',
  }),
  permissions: Type.Array(oneOf(permissions), { maxItems: 20, description: 'In addition to those of the roles.' }),
};
const email = text(limits.email, 'Unique.');
const name = text(1000, 'The name to display.');

/** One's own account requires a fresh sign-in; others' require the permission and a second factor. */
const ownOrManaged = {
  permission: 'accounts.manage',
  owner: ({ params }: { params: { id: string } }) => params.id,
  own: 'fresh-sign-in',
  others: 'second-factor',
} as const;

export const createAccount = operation({
  id: 'createAccount',
  method: 'POST',
  path: '/v1/accounts',
  tag,
  summary: 'Create an account',
  description: 'You cannot grant a permission that you do not have.',
  // Somebody who makes an account can sign in to it, and enrol a factor of their own.
  access: { permission: 'accounts.manage', person: 'second-factor' },
  guards: 'account',
  body: Type.Object(
    {
      username: fields.username,
      email: maybe(email),
      name: maybe(name),
      password: fields.password,
      roles: maybe(fields.roles),
      permissions: maybe(fields.permissions),
    },
    {
      additionalProperties: false,
      examples: [{ username: 'grace', password: 'a long password', roles: ['support'] }],
    },
  ),
  answer: { status: 201, description: 'The account.', schema: oneAccount },
  errors: ['username_taken', 'email_taken', 'permission_missing', 'server_busy', 'clock_stepped_back'],
  async handle({ authority, caller, body }) {
    return { account: presentAccount(await authority.createAccount(caller, body)) };
  },
});

export const listAccounts = operation({
  id: 'listAccounts',
  method: 'GET',
  path: '/v1/accounts',
  tag,
  summary: 'List accounts by user name',
  description:
    'A search by `filter` stops after half a second: then `partial` is true, and `nextCursor` continues where it stopped. ' +
    'With `login` or `ids`, the answer has the accounts that they name, and leaves out those that do not exist. Only one ' +
    'of `filter`, `login` and `ids` can be given.',
  access: { permission: 'accounts.manage' },
  query: Type.Object(
    {
      filter: maybe(text(limits.filter, 'A part of a name or address.')),
      login: maybe(text(limits.email, 'The user name or the address of one account, exactly.')),
      ids: maybe(
        text(limits.pageMax * (idLength + 1), `Ids of accounts, separated by commas: at most ${limits.pageMax}.`),
      ),
      ...paging,
    },
    { additionalProperties: false },
  ),
  answer: {
    status: 200,
    description: 'A page of accounts.',
    schema: Type.Object({
      accounts: Type.Array(ref(Account)),
      nextCursor: maybe(Type.String()),
      partial: Type.Boolean(),
    }),
  },
  errors: ['limit_out_of_range', 'cursor_invalid', 'cursor_of_another_query'],
  async handle({ authority, query }) {
    const list = await authority.listAccounts(query);
    return { ...list, accounts: list.accounts.map(presentAccount) };
  },
});

export const getAccount = operation({
  id: 'getAccount',
  method: 'GET',
  path: '/v1/accounts/:id',
  tag,
  summary: 'Read an account',
  access: { permission: 'accounts.manage', owner: ({ params }) => params.id },
  params: byId,
  answer: { status: 200, description: 'The account.', schema: oneAccount },
  errors: ['account_not_found'],
  async handle({ authority, params }) {
    return { account: presentAccount(await authority.getAccount(params.id)) };
  },
});

const currentPassword = maybe(Type.String({ maxLength: 4096, description: 'The current password.' }));

export const updateAccount = operation({
  id: 'updateAccount',
  method: 'PATCH',
  path: '/v1/accounts/:id',
  tag,
  summary: 'Change an account',
  description:
    'Disabling an account ends all its sessions in the same step. A new password ends all of them except the caller’s ' +
    'own. `null` removes an address or a name. To change your own password or address, send `currentPassword` or, with a ' +
    'second factor enrolled, a code in `x-2fa-code`. A new address of your own is kept as `pendingEmail` until it is ' +
    'confirmed (`confirmEmail`); with `accounts.manage` it takes effect at once. The last administrator cannot lose the ' +
    'role, be renamed or be disabled.',
  access: ownOrManaged,
  guards: 'account',
  params: byId,
  query: waiting,
  body: Type.Object(
    {
      username: maybe(fields.username),
      email: maybe(Type.Union([email, Type.Null()])),
      name: maybe(Type.Union([name, Type.Null()])),
      password: maybe(fields.password),
      currentPassword,
      roles: maybe(fields.roles),
      permissions: maybe(fields.permissions),
      disabled: maybe(Type.Boolean()),
    },
    { additionalProperties: false, examples: [{ disabled: true }] },
  ),
  answer: {
    status: 200,
    description: 'The account; with a receipt if sessions ended.',
    schema: Type.Object({ account: ref(Account), receipt: maybe(ref(Receipt)) }),
  },
  errors: [
    'account_not_found',
    'username_taken',
    'email_taken',
    'permission_missing',
    'invalid_credentials',
    'missing_field',
    'last_administrator',
    'server_busy',
    'changed_meanwhile',
    'clock_stepped_back',
  ],
  async handle({ authority, caller, codeIsShown, params, body, query, request }) {
    const keepSession = caller.kind === 'person' ? caller.session.id : undefined;
    const { currentPassword, ...patch } = body;
    const proof = { currentPassword, code: factorCode(request), codeIsShown, ip: request.ip };
    const changed = await authority.updateAccount(caller, params.id, patch, {
      keepSession,
      wait: query.wait,
      ...proof,
    });
    return { account: presentAccount(changed.account), receipt: changed.receipt && presentReceipt(changed.receipt) };
  },
});

export const confirmEmail = operation({
  id: 'confirmEmail',
  method: 'POST',
  path: '/v1/accounts/:id/email/confirm',
  tag,
  summary: 'Confirm the address that the owner of an account has set',
  description:
    'For administrators, and for the application, which sends a link to the address (Curfew sends no mail). Until it is ' +
    'confirmed, nobody can sign in with the address. `email` must be the account’s `pendingEmail`.',
  access: { permission: 'accounts.manage', person: 'second-factor' },
  guards: 'account',
  params: byId,
  body: Type.Object(
    { email: text(limits.email, 'The address that was confirmed.', { examples: ['grace@example.com'] }) },
    { additionalProperties: false },
  ),
  answer: { status: 200, description: 'The account has the address.', schema: oneAccount },
  errors: [
    'account_not_found',
    'permission_missing',
    'email_not_pending',
    'email_taken',
    'server_busy',
    'changed_meanwhile',
    'clock_stepped_back',
  ],
  async handle({ authority, caller, params, body }) {
    return { account: presentAccount(await authority.confirmEmail(caller, params.id, body.email)) };
  },
});

export const deleteAccount = operation({
  id: 'deleteAccount',
  method: 'DELETE',
  path: '/v1/accounts/:id',
  tag,
  summary: 'Remove an account and end all its sessions',
  access: ownOrManaged,
  guards: 'account',
  params: byId,
  query: waiting,
  answer: {
    status: 200,
    description: 'The account is removed.',
    schema: Type.Object({ success: Type.Boolean(), receipt: ref(Receipt) }),
  },
  errors: ['account_not_found', 'last_administrator', 'server_busy', 'changed_meanwhile'],
  async handle({ authority, caller, params, query }) {
    const { receipt } = await authority.deleteAccount(caller, params.id, query.wait);
    return { success: true, receipt: presentReceipt(receipt) };
  },
});

export const startTotp = operation({
  id: 'startTotp',
  method: 'POST',
  path: '/v1/accounts/:id/totp',
  tag,
  summary: 'Begin to enrol an authenticator',
  description:
    'The secret is shown once. No code is required until its first one is confirmed. For your own account, ' +
    '`currentPassword` is required.',
  access: ownOrManaged,
  guards: 'account',
  params: byId,
  // For somebody else's account there need be no body.
  body: Type.Object(
    { currentPassword },
    { additionalProperties: false, nullable: true, examples: [{ currentPassword: 'a long password' }] },
  ),
  answer: {
    status: 200,
    description: 'What the authenticator needs.',
    schema: Type.Object({
      secret: Type.String({ description: 'To be typed in; base 32.' }),
      url: Type.String({ description: 'To be shown as a QR code.' }),
    }),
  },
  errors: [
    'account_not_found',
    'factor_already_enrolled',
    'missing_field',
    'invalid_credentials',
    'server_busy',
    'changed_meanwhile',
  ],
  handle: ({ authority, caller, params, body, request }) =>
    authority.startTotp(caller, params.id, { currentPassword: body?.currentPassword, ip: request.ip }),
});

const codes = Type.Array(Type.String(), {
  description: 'Twelve codes, each of which works once. They are shown once.',
});

export const confirmTotp = operation({
  id: 'confirmTotp',
  method: 'POST',
  path: '/v1/accounts/:id/totp/confirm',
  tag,
  summary: 'Confirm an authenticator by its first code',
  description:
    'From now on codes are required. `endOthers` ends all sessions of the account except the caller’s own, in the same ' +
    'step. The backup codes are returned even if it is not known whether these ends are in force everywhere, or whether ' +
    'the store has lost the change in a failover: then `receipt.everywhere` is false, and `GET /v1/accounts/:id` and ' +
    '`DELETE /v1/users/:userId/sessions` make sure.',
  access: ownOrManaged,
  guards: 'account',
  params: byId,
  body: Type.Object(
    {
      code: text(40, 'The code that the authenticator shows.', { examples: ['123456'] }),
      endOthers: maybe(Type.Boolean({ default: false })),
    },
    { additionalProperties: false },
  ),
  answer: {
    status: 200,
    description: 'The authenticator is enrolled.',
    schema: Type.Object({
      account: ref(Account),
      backupCodes: codes,
      ended: maybe(Type.Integer({ description: 'With `endOthers`, how many sessions ended.' })),
      receipt: maybe(ref(Receipt)),
    }),
  },
  errors: [
    'account_not_found',
    'factor_not_enrolled',
    'factor_already_enrolled',
    'second_factor_invalid',
    'too_many_attempts',
    'server_busy',
    'changed_meanwhile',
    'clock_stepped_back',
  ],
  async handle({ authority, caller, params, body }) {
    const { account, receipt, ...confirmed } = await authority.confirmTotp(caller, params.id, body);
    return { ...confirmed, account: presentAccount(account), receipt: receipt && presentReceipt(receipt) };
  },
});

export const removeTotp = operation({
  id: 'removeTotp',
  method: 'DELETE',
  path: '/v1/accounts/:id/totp',
  tag,
  summary: 'Remove an authenticator and its backup codes',
  access: { ...ownOrManaged, own: 'new-code' },
  guards: 'account',
  params: byId,
  answer: { status: 200, description: 'The authenticator is removed.', schema: oneAccount },
  errors: ['account_not_found', 'factor_not_enrolled', 'server_busy', 'changed_meanwhile'],
  async handle({ authority, caller, params }) {
    return { account: presentAccount(await authority.removeTotp(caller, params.id)) };
  },
});

export const renewBackupCodes = operation({
  id: 'renewBackupCodes',
  method: 'POST',
  path: '/v1/accounts/:id/backup-codes',
  tag,
  summary: 'Give an account new backup codes',
  description: 'The earlier ones become void.',
  access: { ...ownOrManaged, own: 'new-code' },
  guards: 'account',
  params: byId,
  answer: { status: 200, description: 'The codes.', schema: Type.Object({ backupCodes: codes }) },
  errors: ['account_not_found', 'factor_not_enrolled', 'server_busy', 'changed_meanwhile'],
  async handle({ authority, caller, params }) {
    return { backupCodes: await authority.renewBackupCodes(caller, params.id) };
  },
});
