import { count, name, plural } from '../forms.ts';

export const user = {
  title: 'User',
  sessions: 'Sessions',
  active: (n: number) => plural(n, '1 active session', `${count(n)} active sessions`),
  ended: 'Ended sessions',
  endAll: 'End all …',
  endOthers: 'End all but this one …',
  endAllTitle: (who: string) => `End all sessions of ${name(who)}?`,
  endAllText: (n: number, who: string) =>
    `${plural(n, 'The session', `All ${count(n)} sessions`)} of ${name(who)} will be signed out at once, everywhere, including those being opened now.`,
  endOthersTitle: 'End all other sessions?',
  endOthersText: (n: number) =>
    `${plural(n, '1 other session', `${count(n)} other sessions`)} will be signed out at once, everywhere. This browser stays signed in.`,
  none: { title: 'No active session', text: 'This person is not signed in anywhere.' },
  account: {
    title: 'Account',
    username: 'User name',
    name: 'Name',
    email: 'E-mail address',
    roles: 'Roles',
    factor: 'Second factor',
    factorOn: 'Set up',
    factorOff: 'None',
    disabled: 'Disabled',
    lastLogin: 'Last sign-in',
    never: 'Never',
    open: 'Open the account',
  },
  groups: 'Access groups on all sessions',
  groupsHint: 'Added or removed on every session that has not ended.',
  addGroup: 'Group',
  add: 'Add to all',
  remove: 'Remove from all',
};
