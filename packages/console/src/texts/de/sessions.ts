import { count, name, plural } from '../forms.ts';
import type { Texts } from '../index.ts';

export const sessions: Texts['sessions'] = {
  title: 'Sitzungen',
  tabs: { label: 'Welche Sitzungen', active: 'Aktiv', suspended: 'Angehalten', ended: 'Beendet' },
  list: 'Sitzungen, die neuesten zuerst',
  columns: {
    device: 'Gerät',
    user: 'Person',
    from: 'Von',
    created: 'Angemeldet',
    seen: 'Zuletzt gesehen',
    reason: 'Warum',
    by: 'Durch',
    ended: 'Beendet',
  },
  rowName: (device, user, from) => [device, user, from].filter(Boolean).join(', '),
  matching: (total) => plural(total, '1 Sitzung', `${count(total)} Sitzungen`),
  user: (id) => name(id),
  empty: { title: 'Niemand ist angemeldet', text: 'Sitzungen erscheinen hier, sobald sich jemand anmeldet.' },
  emptyEnded: {
    title: 'In letzter Zeit wurde keine Sitzung beendet',
    text: 'Beendete Sitzungen werden so lange aufbewahrt, wie der Server eingestellt ist.',
  },
  emptySuspended: { title: 'Keine Sitzung ist angehalten', text: 'Wer eine benannte Sitzung anhält, hält sie an.' },
  emptyFiltered: {
    title: 'Keine Sitzung passt',
    text: 'Entfernen Sie einen Filter, oder sehen Sie bei den beendeten nach.',
  },
};
