import { count, name, plural } from '../forms.ts';

const sessions_ = (n: number) => plural(n, '1 session', `${count(n)} sessions`);
const people = (n: number) => plural(n, '1 person', `${count(n)} people`);

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
    reason: 'Reason',
    by: 'By',
    ended: 'Ended',
  },
  thisOne: 'This browser',
  matching: sessions_,
  matchingAtLeast: (n: number) => `${count(n)} so far`,
  readAt: (time: string) => `As of ${time}`,
  again: 'Refresh',
  changedElsewhere: 'Something has changed in another window since then.',
  searching: 'Searching …',
  searched: (n: number) => `${sessions_(n)} found`,
  end: 'End',
  endOne: (row: string) => `End: ${row}`,
  choose: (row: string) => `Select ${row}`,
  chooseAll: 'Select all that match',
  chosen: {
    label: 'Selection',
    some: (n: number) => `${sessions_(n)} selected`,
    all: 'All that match are selected',
    except: (n: number) => `All that match are selected, except ${count(n)}`,
    clear: 'Clear the selection',
    end: 'End them …',
    tooManyExceptions: 'At most 100 can be left out. Filter the list instead.',
  },
  filters: {
    label: 'Filters',
    text: 'Search',
    textHint: 'Names, devices, addresses, groups',
    user: 'User',
    group: 'Access group',
    name: 'Session name',
    ip: 'Address',
    clear: 'Remove all filters',
    more: 'More filters',
    apply: 'Apply',
  },
  endAll: 'End all that match …',
  endEverybody: 'End everybody’s sessions …',
  exportAs: 'Export',
  dialog: {
    one: 'End this session?',
    oneText: (device: string, user: string) => `${name(device)} of ${name(user)} is signed out at once, everywhere.`,
    own: 'This is the session of this browser. You will be signed out here.',
    ownTwice: 'Yes, sign me out here as well',
    many: (n: number) => `End ${sessions_(n)}?`,
    manyText: (n: number, users: number | undefined) =>
      users === undefined
        ? `${sessions_(n)} will be signed out at once, everywhere.`
        : `${sessions_(n)} of ${people(users)} will be signed out at once, everywhere.`,
    counting: 'Counting …',
    partial: (n: number) =>
      `Counting all of them takes too long. These are the newest ${count(n)}; repeat it for the rest, or end everybody’s.`,
    nothing: 'No session matches any more.',
    of: (users: string) => `Of ${users}`,
    andMore: (n: number) => `and ${count(n)} more`,
    everyone: 'End everybody’s sessions?',
    everyoneText: (n: number) =>
      `${plural(n, 'The only session', `All ${sessions_(n)}`)} will be signed out at once, everywhere, including those being opened now.`,
    everyoneOwn: 'Yours is among them: you will be signed out as well.',
    type: (n: string) => `Type ${n} to confirm`,
    typeHint: 'So that nobody ends more than they mean to.',
    wrongNumber: (n: string) => `That is not ${n}.`,
    submit: (n: number) => plural(n, 'End it', `End all ${count(n)}`),
    submitOne: 'End it',
    progress: (done: number, of: number) => `${count(done)} of ${count(of)} have ended`,
    alreadyEnded: (n: number) => plural(n, '1 had ended before.', `${count(n)} had ended before.`),
    changed: (n: number) =>
      plural(
        n,
        '1 was left alone, because what matches has changed. Count again to end it.',
        `${count(n)} were left alone, because what matches has changed. Count again to end them.`,
      ),
    done: 'Done',
    failed: (n: number) => plural(n, '1 could not be ended:', `${count(n)} could not be ended:`),
    notConfirmed: (n: number) =>
      plural(
        n,
        '1 was not ended, because it was not confirmed.',
        `${count(n)} were not ended, because they were not confirmed.`,
      ),
    unknown: (n: number) =>
      plural(
        n,
        'It is not known whether 1 has ended. Ending it again is safe.',
        `It is not known whether ${count(n)} have ended. Ending them again is safe.`,
      ),
    recount: 'Count again',
  },
  exporting: {
    title: 'Export this list',
    csv: 'As CSV',
    json: 'As JSON',
    text: 'Every session that matches, with its metadata, as it is now.',
    progress: (n: number) => `${sessions_(n)} read`,
    done: (n: number) => `${sessions_(n)} exported.`,
    file: 'sessions',
  },
  empty: { title: 'Nobody is signed in', text: 'Sessions appear here as soon as somebody signs in.' },
  emptyEnded: {
    title: 'No session has ended recently',
    text: 'The server’s settings determine how long ended sessions are kept.',
  },
  emptySuspended: { title: 'No session is suspended', text: 'Stopping a named session suspends its session.' },
  emptyFiltered: { title: 'No session matches', text: 'Remove a filter, or look at the ended sessions.' },
};
