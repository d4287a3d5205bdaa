import { count, name, plural, usedAt } from '../forms.ts';

export const keys = {
  title: 'API keys',
  intro: 'Programs sign in with these. A revoked key stops working everywhere at once.',
  list: 'API keys, newest first',
  columns: { name: 'Name', scopes: 'Permissions', created: 'Created', by: 'By', used: 'Last used', actions: 'Actions' },
  forBrowsers: 'For browsers',
  allScopes: 'All',
  used: (at: string) =>
    usedAt(at, (hours) => plural(hours, 'Within the last hour', `Within the last ${count(hours)} hours`)),
  neverUsed: 'Not known',
  revoked: 'Revoked',
  revoke: 'Revoke',
  revokeNamed: (key: string) => `Revoke ${name(key)}`,
  revokeTitle: (key: string) => `Revoke ${name(key)}?`,
  revokeText:
    'Programs that use it are refused from then on, and verifiers that are attached with it are disconnected. This cannot be undone.',
  create: 'Create a key',
  newTitle: 'Create an API key',
  name: 'Name',
  nameHint: 'What it is for, such as the program that will use it.',
  nameMissing: 'Give it a name.',
  scopes: 'What it may do',
  scopesHint:
    'Choose as little as the program needs. With nothing chosen it is a key for browsers, which may be public.',
  madeTitle: 'Copy the key now',
  madeText: 'It is shown only this once. Store it where the program keeps its secrets.',
  kept: 'I have saved it',
  empty: { title: 'No API keys yet', text: 'Create one for each program that uses Curfew.' },
};
