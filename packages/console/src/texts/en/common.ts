import { brief, count, name, plural } from '../forms.ts';

export const common = {
  close: 'Close',
  cancel: 'Cancel',
  back: 'Back',
  again: 'Try again',
  lookAgain: 'Refresh',
  copy: 'Copy',
  copied: 'Copied',
  notCopied: 'The browser did not allow it. Select the text and copy it yourself.',
  more: 'Show more',
  save: 'Save',
  saved: 'Saved',
  none: 'None',
  details: 'Details',
  loading: 'Loading …',
  stillLoading: 'The server is taking longer than usual. Still waiting …',
  requestId: (id: string) => `Request ${id}`,
  theCodeIs: (code: string) => `Error code: ${code}`,
  nobody: 'Nobody',
  unknown: 'Unknown',
  notFound: {
    title: 'There is no such page',
    text: 'The address may be mistyped, or the page may belong to another version.',
  },
  forbidden: {
    title: 'Your account may not see this',
    text: (permission: string) => `It requires the permission ${permission}. An administrator can give it to you.`,
  },
  somebody: {
    user: (id: string) => name(id),
    key: (id: string) => `API key ${name(id)}`,
    policy: 'Policy',
    library: 'Application',
    you: 'You',
  },
  device: {
    on: (app: string, os: string) => `${app} on ${os}`,
    unknown: 'Unknown device',
  },
  status: { active: 'Active', suspended: 'Suspended', ended: 'Ended' },
  reason: {
    logout: 'Signed out',
    ended_by_admin: 'Ended by an administrator',
    expired: 'Expired',
    idle: 'Idle for too long',
    replaced: 'Replaced by a newer session',
    refresh_reuse: 'A refresh token was used twice',
    account_disabled: 'Account disabled',
    all_of_user: 'All sessions of the user ended',
    everyone: 'Everybody was signed out',
  },
  receipt: {
    over: 'Ended',
    waiting: 'Ending …',
    waitingLong: 'Stored. Still waiting for an application to confirm.',
    waitingFor: (names: string) => `Stored. Still waiting for ${names} to confirm.`,
    seconds: (seconds: number) => plural(seconds, '1 second', `${count(seconds)} seconds`),
    everywhere: (applications: number, milliseconds: number) =>
      applications === 0
        ? `In force everywhere, ${brief(milliseconds)}`
        : `In force in ${plural(applications, '1 application', `${count(applications)} applications`)}, ${brief(milliseconds)}`,
    stored: 'Stored. Applications will apply it within their lease.',
    byLease: (names: string) => `Did not answer, and may no longer use what they had cached: ${names}`,
    byLeaseUnnamed: (applications: number) =>
      plural(
        applications,
        '1 application did not answer; it may no longer use what it had cached.',
        `${count(applications)} applications did not answer; they may no longer use what they had cached.`,
      ),
    nodes: (nodes: number) => plural(nodes, '1 server applied it', `${count(nodes)} servers applied it`),
    sequence: (sequence: number) => `Entry ${count(sequence)} of the change log`,
    ended: (sessions: number) => plural(sessions, '1 session has ended.', `${count(sessions)} sessions have ended.`),
  },
};
