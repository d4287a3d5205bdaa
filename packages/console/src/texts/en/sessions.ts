import { count, name, plural } from '../forms.ts';

export const sessions = {
  title: 'Sessions',
  tabs: { label: 'Which sessions', active: 'Active', suspended: 'Suspended', ended: 'Ended' },
  list: 'Sessions, newest first',
  columns: {
    device: 'Device',
    user: 'User',
    from: 'From',
    created: 'Signed in',
    seen: 'Last seen',
    reason: 'Why',
    by: 'By',
    ended: 'Ended',
  },
  rowName: (device: string, user: string, from: string) => [device, user, from].filter(Boolean).join(', '),
  matching: (total: number) => plural(total, '1 session', `${count(total)} sessions`),
  user: (id: string) => name(id),
  empty: { title: 'Nobody is signed in', text: 'Sessions appear here as soon as somebody signs in.' },
  emptyEnded: {
    title: 'No session has ended lately',
    text: 'Ended sessions are kept for as long as the server is set to.',
  },
  emptySuspended: { title: 'No session is suspended', text: 'Stopping a named session suspends it.' },
  emptyFiltered: { title: 'No session matches', text: 'Remove a filter, or look among the ended ones.' },
};
