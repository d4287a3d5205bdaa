import { name } from '../forms.ts';
import type { Texts } from '../index.ts';

export const shell: Texts['shell'] = {
  product: 'Curfew',
  skip: 'Zum Inhalt springen',
  navigation: 'Hauptmenü',
  menu: 'Menü',
  overview: 'Übersicht',
  sessions: 'Sitzungen',
  namedSessions: 'Benannte Sitzungen',
  accounts: 'Konten',
  keys: 'API-Schlüssel',
  audit: 'Protokoll',
  server: 'Server',
  devices: 'Meine Geräte',
  groups: { watch: 'Beobachten', manage: 'Verwalten', own: 'Sie' },
  signOut: 'Abmelden',
  notSignedOut: 'Der Server hat nicht bestätigt, dass Sie abgemeldet sind. Versuchen Sie es noch einmal.',
  signedInAs: (who) => `Angemeldet als ${name(who)}`,
  theme: 'Darstellung',
  themes: { system: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
  language: 'Sprache',
  away: 'Der Server antwortet nicht. Was zu sehen ist, kann veraltet sein.',
  backAgain: 'Der Server antwortet wieder.',
};
