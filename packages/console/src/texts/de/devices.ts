import { count, plural } from '../forms.ts';
import type { Texts } from '../index.ts';

export const devices: Texts['devices'] = {
  title: 'Meine Geräte',
  intro:
    'Überall, wo Sie angemeldet sind. Erkennen Sie eines nicht wieder, beenden Sie es und ändern Sie Ihr Passwort.',
  thisDevice: 'Dieses Gerät',
  others: 'Andere Geräte',
  noOthers: 'Sie sind sonst nirgends angemeldet.',
  endOthers: 'Alle anderen beenden …',
  endOne: (device) => `Beenden: ${device}`,
  seen: (when) => `Zuletzt gesehen ${when}`,
  since: (when) => `seit ${when}`,
  here: 'Sie benutzen es gerade.',
  dialogTitle: 'Diese Sitzung beenden?',
  dialogText: (device) => `${device} wird sofort und überall abgemeldet.`,
  othersTitle: 'Alle anderen Sitzungen beenden?',
  othersText: (n) =>
    n === 1
      ? '1 anderes Gerät wird sofort abgemeldet. Dieses bleibt angemeldet.'
      : `${count(n)} andere Geräte werden sofort abgemeldet. Dieses bleibt angemeldet.`,
  password: {
    title: 'Passwort',
    text: 'Ein neues Passwort beendet alle Ihre anderen Sitzungen.',
    open: 'Passwort ändern …',
    current: 'Aktuelles Passwort',
    new: 'Neues Passwort',
    hint: 'Mindestens 8 Zeichen, und keines der häufigsten.',
    submit: 'Ändern',
    missing: 'Füllen Sie dieses Feld aus.',
    wrong: 'Das aktuelle Passwort ist falsch.',
    done: 'Das Passwort wurde geändert.',
  },
  factor: {
    title: 'Zweiter Faktor',
    on: (codes) => `Eingerichtet. ${plural(codes, '1 Ersatzcode ist', `${count(codes)} Ersatzcodes sind`)} übrig.`,
    off: 'Noch keiner. Mit einem genügt ein gestohlenes Passwort nicht zum Anmelden.',
    setUp: 'Einrichten …',
    renew: 'Neue Ersatzcodes …',
    renewText: 'Die bisherigen werden ungültig.',
    renewSubmit: 'Neue erzeugen',
    remove: 'Entfernen …',
    removeTitle: 'Zweiten Faktor entfernen?',
    removeText: 'Danach genügt das Passwort zum Anmelden. Die Ersatzcodes werden ungültig.',
    removeSubmit: 'Entfernen',
    removed: 'Der zweite Faktor wurde entfernt.',
  },
};
