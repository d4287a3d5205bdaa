import { brief, count, name, plural } from '../forms.ts';
import type { Texts } from '../index.ts';

export const common: Texts['common'] = {
  close: 'Schließen',
  cancel: 'Abbrechen',
  back: 'Zurück',
  again: 'Noch einmal versuchen',
  lookAgain: 'Aktualisieren',
  copy: 'Kopieren',
  copied: 'Kopiert',
  notCopied: 'Der Browser hat es nicht erlaubt. Markieren und kopieren Sie den Text selbst.',
  more: 'Mehr anzeigen',
  save: 'Speichern',
  saved: 'Gespeichert',
  none: 'Keine',
  details: 'Einzelheiten',
  loading: 'Wird geladen …',
  stillLoading: 'Der Server braucht länger als sonst. Bitte warten …',
  requestId: (id) => `Anfrage ${id}`,
  theCodeIs: (code) => `Fehlercode: ${code}`,
  nobody: 'Niemand',
  unknown: 'Unbekannt',
  notFound: {
    title: 'Diese Seite gibt es nicht',
    text: 'Vielleicht ist die Adresse vertippt, oder die Seite gehört zu einer anderen Version.',
  },
  forbidden: {
    title: 'Ihr Konto darf das nicht sehen',
    text: (permission) => `Dazu ist die Berechtigung ${permission} nötig. Die Verwaltung kann sie Ihnen geben.`,
  },
  somebody: {
    user: (id) => name(id),
    key: (id) => `API-Schlüssel ${name(id)}`,
    policy: 'Regel',
    library: 'Anwendung',
    you: 'Sie',
  },
  device: {
    on: (app, os) => `${app} auf ${os}`,
    unknown: 'Unbekanntes Gerät',
  },
  status: { active: 'Aktiv', suspended: 'Angehalten', ended: 'Beendet' },
  reason: {
    logout: 'Abgemeldet',
    ended_by_admin: 'Von der Verwaltung beendet',
    expired: 'Abgelaufen',
    idle: 'Zu lange nicht benutzt',
    replaced: 'Durch eine neuere Sitzung ersetzt',
    refresh_reuse: 'Ein Erneuerungstoken wurde zweimal benutzt',
    account_disabled: 'Konto gesperrt',
    all_of_user: 'Alle Sitzungen der Person beendet',
    everyone: 'Alle wurden abgemeldet',
  },
  receipt: {
    over: 'Beendet',
    waiting: 'Wird beendet …',
    waitingLong: 'Gespeichert. Eine Anwendung hat noch nicht bestätigt.',
    waitingFor: (names) => `Gespeichert. Noch nicht bestätigt hat: ${names}`,
    seconds: (seconds) => plural(seconds, '1 Sekunde', `${count(seconds)} Sekunden`),
    everywhere: (applications, milliseconds) =>
      applications === 0
        ? `Überall wirksam, ${brief(milliseconds)}`
        : `Wirksam in ${plural(applications, '1 Anwendung', `${count(applications)} Anwendungen`)}, ${brief(milliseconds)}`,
    stored: 'Gespeichert. Die Anwendungen folgen innerhalb ihrer Frist.',
    byLease: (names) => `Haben nicht geantwortet und dürfen ihren Zwischenspeicher nicht mehr verwenden: ${names}`,
    byLeaseUnnamed: (applications) =>
      plural(
        applications,
        '1 Anwendung hat nicht geantwortet; sie darf ihren Zwischenspeicher nicht mehr verwenden.',
        `${count(applications)} Anwendungen haben nicht geantwortet; sie dürfen ihren Zwischenspeicher nicht mehr verwenden.`,
      ),
    nodes: (nodes) => plural(nodes, 'Von 1 Server übernommen', `Von ${count(nodes)} Servern übernommen`),
    sequence: (sequence) => `Eintrag ${count(sequence)} im Änderungsprotokoll`,
    ended: (sessions) => plural(sessions, '1 Sitzung wurde beendet.', `${count(sessions)} Sitzungen wurden beendet.`),
  },
};
