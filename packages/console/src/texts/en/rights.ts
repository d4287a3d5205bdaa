import type { Account, ApiKey } from 'curfew-client';

/** What each role and each permission is for; the compiler reports one that is missing. */
const roles: Record<Account['roles'][number], string> = {
  admin: 'May do everything.',
  support: 'Sees and ends sessions.',
  auditor: 'Sees everything, and changes nothing.',
  member: 'Sees and ends their own sessions.',
};

const permissions: Record<ApiKey['scopes'][number], string> = {
  'sessions.create': 'Open sessions for users.',
  'sessions.verify': 'Ask whether a session is valid.',
  'sessions.read': 'Read and list sessions.',
  'sessions.end': 'End the sessions of others.',
  'groups.change': 'Change access groups.',
  'accounts.manage': 'Create, change and delete accounts.',
  'keys.manage': 'Create and revoke API keys.',
  'events.read': 'Read the audit trail and the state of the server.',
  'fence.attach': 'Attach a verifier, which answers without the network.',
};

export const rights = { roles, permissions };
