import { count, name, plural } from '../forms.ts';
import type { Texts } from '../index.ts';

export const user: Texts['user'] = {
  title: 'Person',
  sessions: 'Sitzungen',
  active: (n) => plural(n, '1 aktive Sitzung', `${count(n)} aktive Sitzungen`),
  ended: 'Beendete Sitzungen',
  endAll: 'Alle beenden …',
  endOthers: 'Alle außer dieser beenden …',
  endAllTitle: (who) => `Alle Sitzungen von ${name(who)} beenden?`,
  endAllText: (n, who) =>
    n === 1
      ? `Die Sitzung von ${name(who)} wird sofort und überall abgemeldet, auch solche, die gerade geöffnet werden.`
      : `Alle ${count(n)} Sitzungen von ${name(who)} werden sofort und überall abgemeldet, auch die, die gerade geöffnet werden.`,
  endOthersTitle: 'Alle anderen Sitzungen beenden?',
  endOthersText: (n) =>
    n === 1
      ? '1 andere Sitzung wird sofort und überall abgemeldet. Dieser Browser bleibt angemeldet.'
      : `${count(n)} andere Sitzungen werden sofort und überall abgemeldet. Dieser Browser bleibt angemeldet.`,
  none: { title: 'Keine aktive Sitzung', text: 'Diese Person ist nirgends angemeldet.' },
  account: {
    title: 'Konto',
    username: 'Benutzername',
    name: 'Name',
    email: 'E-Mail-Adresse',
    roles: 'Rollen',
    factor: 'Zweiter Faktor',
    factorOn: 'Eingerichtet',
    factorOff: 'Keiner',
    disabled: 'Gesperrt',
    lastLogin: 'Letzte Anmeldung',
    never: 'Nie',
    open: 'Konto öffnen',
  },
  groups: 'Zugriffsgruppen in allen Sitzungen',
  groupsHint: 'Kommt in jede Sitzung, die nicht beendet ist, oder wird aus ihr entfernt.',
  addGroup: 'Gruppe',
  add: 'Zu allen hinzufügen',
  remove: 'Aus allen entfernen',
};
