import type { Event } from 'curfew-client';
import { count, plural } from '../forms.ts';

/** Every type of event; the compiler reports one that is missing. */
const types: Record<Event['type'], string> = {
  'session.created': 'Signed in',
  'session.ended': 'Session ended',
  'session.suspended': 'Session suspended',
  'session.resumed': 'Session resumed',
  'user.sessions_ended': 'All sessions of a user ended',
  'everyone.ended': 'Everybody was signed out',
  'groups.changed': 'Access groups changed',
  'login.failed': 'Sign-in refused',
  'second_factor.failed': 'Wrong code',
  'account.created': 'Account created',
  'account.changed': 'Account changed',
  'account.disabled': 'Account disabled',
  'account.enabled': 'Account enabled',
  'account.deleted': 'Account deleted',
  'account.recovered': 'Account recovered on the server',
  'factor.enrolled': 'Second factor set up',
  'factor.removed': 'Second factor removed',
  'backup_codes.renewed': 'New backup codes',
  'key.created': 'API key created',
  'key.revoked': 'API key revoked',
  'named_session.created': 'Named session created',
  'named_session.changed': 'Named session changed',
  'named_session.deleted': 'Named session deleted',
  'sessions.imported': 'Sessions imported from another application',
  'store.failed_over': 'The store was failed over',
};

export const audit = {
  title: 'Audit',
  intro: 'Who did what, and when. Newest first.',
  list: 'Events, newest first',
  types,
  type: 'What happened',
  everyType: 'All types',
  user: 'User',
  actor: 'Done by',
  actorHint: 'user:…, key:…, policy or library',
  since: 'From',
  until: 'Until',
  today: 'Today',
  yesterday: 'Yesterday',
  clear: 'Clear the filters',
  columns: { what: 'What', user: 'User', by: 'By', details: 'Details', at: 'When' },
  live: {
    waiting: 'Connecting …',
    open: 'Live',
    away: 'Not connected. Trying again …',
    past: 'Past events only',
  },
  showNew: (events: number) => plural(events, 'Show 1 new event', `Show ${count(events)} new events`),
  toSession: 'Session',
  key: 'API key',
  partial: 'The search took too long and was cut short. “Show more” continues it.',
  gap: {
    no_longer_kept: (events: number) =>
      plural(events, '1 event is no longer kept here.', `${count(events)} events are no longer kept here.`),
    store_replaced: (_events: number) => 'The store was failed over or restored here. Events may be missing.',
  },
  empty: {
    title: 'No events',
    text: 'Events appear here as soon as something happens.',
    filtered: 'No event matches. Remove a filter, or choose another time.',
  },
};
