import { count, plural } from '../forms.ts';
import type { Texts } from '../index.ts';

export const overview: Texts['overview'] = {
  title: 'Übersicht',
  now: 'Jetzt angemeldet',
  sessions: (n) => plural(n, 'Sitzung', 'Sitzungen'),
  toSessions: 'Sehen, wer angemeldet ist',
  lastDay: 'Die letzten 24 Stunden',
  opened: 'Anmeldungen',
  ended: 'Beendete Sitzungen',
  refused: 'Abgelehnte Anmeldungen',
  summary: (opened, ended, refused) =>
    `${count(opened)} Anmeldungen, ${count(ended)} beendete Sitzungen und ${count(refused)} abgelehnte Anmeldungen in den letzten 24 Stunden`,
  asTable: 'Als Tabelle',
  from: 'Ab',
  counting: 'Wird noch gezählt.',
  servers: 'Server',
  server: (id) => `Server ${id}`,
  here: 'dieser Server',
  alive: 'Hält seine Frist',
  silent: 'Hat seine Frist nicht erneuert',
  behind: (n) => plural(n, '1 Änderung zurück', `${count(n)} Änderungen zurück`),
  applications: 'Anwendungen',
  noApplications: 'Keine Anwendung prüft Sitzungen im eigenen Speicher.',
  unnamed: 'Ohne Namen',
  lease: (time) => `Frist ${time}`,
  noLease: 'keine Frist',
  left: 'hat sich abgemeldet',
  findings: 'Was Aufmerksamkeit braucht',
  noFindings: 'Nichts. Alles ist, wie es sein soll.',
};
