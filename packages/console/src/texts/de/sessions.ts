import { count, name, plural } from '../forms.ts';
import type { Texts } from '../index.ts';

const sessions_ = (n: number) => plural(n, '1 Sitzung', `${count(n)} Sitzungen`);
const ofPeople = (n: number) => plural(n, '1 Person', `${count(n)} Personen`);

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
    reason: 'Grund',
    by: 'Durch',
    ended: 'Beendet',
  },
  thisOne: 'Dieser Browser',
  matching: sessions_,
  matchingAtLeast: (n) => `bisher ${count(n)}`,
  readAt: (time) => `Stand ${time}`,
  again: 'Aktualisieren',
  changedElsewhere: 'Seitdem wurde in einem anderen Fenster etwas geändert.',
  searching: 'Wird gesucht …',
  searched: (n) => `${sessions_(n)} gefunden`,
  end: 'Beenden',
  endOne: (row) => `Beenden: ${row}`,
  choose: (row) => `${row} auswählen`,
  chooseAll: 'Alle passenden auswählen',
  chosen: {
    label: 'Auswahl',
    some: (n) => `${sessions_(n)} ausgewählt`,
    all: 'Alle passenden sind ausgewählt',
    except: (n) => `Alle passenden außer ${count(n)} sind ausgewählt`,
    clear: 'Auswahl aufheben',
    end: 'Beenden …',
    tooManyExceptions: 'Höchstens 100 können ausgenommen werden. Filtern Sie stattdessen die Liste.',
  },
  filters: {
    label: 'Filter',
    text: 'Suchen',
    textHint: 'Namen, Geräte, Adressen, Gruppen',
    user: 'Person',
    group: 'Zugriffsgruppe',
    name: 'Sitzungsname',
    ip: 'Adresse',
    clear: 'Alle Filter entfernen',
    more: 'Mehr Filter',
    apply: 'Anwenden',
  },
  endAll: 'Alle passenden beenden …',
  endEverybody: 'Alle Sitzungen beenden …',
  exportAs: 'Exportieren',
  dialog: {
    one: 'Diese Sitzung beenden?',
    oneText: (device, user) => `${name(device)} von ${name(user)} wird sofort und überall abgemeldet.`,
    own: 'Das ist die Sitzung dieses Browsers. Sie werden hier abgemeldet.',
    ownTwice: 'Ja, auch mich hier abmelden',
    many: (n) => `${sessions_(n)} beenden?`,
    manyText: (n, users) =>
      users === undefined
        ? `${sessions_(n)} ${n === 1 ? 'wird' : 'werden'} sofort und überall abgemeldet.`
        : `${sessions_(n)} von ${ofPeople(users)} ${n === 1 ? 'wird' : 'werden'} sofort und überall abgemeldet.`,
    counting: 'Wird gezählt …',
    partial: (n) =>
      `Alle zu zählen dauert zu lange. Das sind die neuesten ${count(n)}; wiederholen Sie es für den Rest, oder beenden Sie alle Sitzungen.`,
    nothing: 'Es passt keine Sitzung mehr.',
    of: (users) => `Von ${users}`,
    andMore: (n) => `und ${count(n)} weiteren`,
    everyone: 'Die Sitzungen aller Personen beenden?',
    everyoneText: (n) =>
      n === 1
        ? 'Die einzige Sitzung wird sofort und überall abgemeldet, ebenso jede, die gerade geöffnet wird.'
        : `Alle ${sessions_(n)} werden sofort und überall abgemeldet, auch die, die gerade geöffnet werden.`,
    everyoneOwn: 'Ihre ist darunter: auch Sie werden abgemeldet.',
    type: (n) => `Geben Sie zur Bestätigung ${n} ein`,
    typeHint: 'Damit niemand mehr beendet, als gemeint ist.',
    wrongNumber: (n) => `Das ist nicht ${n}.`,
    submit: (n) => plural(n, 'Beenden', `Alle ${count(n)} beenden`),
    submitOne: 'Beenden',
    progress: (done, of) => `${count(done)} von ${count(of)} sind beendet`,
    alreadyEnded: (n) => plural(n, '1 war schon vorher beendet.', `${count(n)} waren schon vorher beendet.`),
    changed: (n) =>
      plural(
        n,
        '1 blieb unberührt, weil sich geändert hat, was passt. Zählen Sie noch einmal, um sie zu beenden.',
        `${count(n)} blieben unberührt, weil sich geändert hat, was passt. Zählen Sie noch einmal, um sie zu beenden.`,
      ),
    done: 'Fertig',
    failed: (n) => plural(n, '1 konnte nicht beendet werden:', `${count(n)} konnten nicht beendet werden:`),
    notConfirmed: (n) =>
      plural(
        n,
        '1 wurde nicht beendet, weil die Bestätigung fehlte.',
        `${count(n)} wurden nicht beendet, weil die Bestätigung fehlte.`,
      ),
    unknown: (n) =>
      plural(
        n,
        'Bei 1 ist nicht bekannt, ob sie beendet ist. Sie noch einmal zu beenden ist ungefährlich.',
        `Bei ${count(n)} ist nicht bekannt, ob sie beendet sind. Sie noch einmal zu beenden ist ungefährlich.`,
      ),
    recount: 'Noch einmal zählen',
  },
  exporting: {
    title: 'Diese Liste exportieren',
    csv: 'Als CSV',
    json: 'Als JSON',
    text: 'Jede passende Sitzung mit ihren Metadaten, wie sie jetzt ist.',
    progress: (n) => `${sessions_(n)} gelesen`,
    done: (n) => `${sessions_(n)} exportiert.`,
    file: 'sitzungen',
  },
  empty: { title: 'Niemand ist angemeldet', text: 'Sitzungen erscheinen hier, sobald sich jemand anmeldet.' },
  emptyEnded: {
    title: 'In letzter Zeit wurde keine Sitzung beendet',
    text: 'Wie lange beendete Sitzungen aufbewahrt werden, bestimmen die Einstellungen des Servers.',
  },
  emptySuspended: {
    title: 'Keine Sitzung ist angehalten',
    text: 'Wird eine benannte Sitzung angehalten, steht ihre Sitzung hier.',
  },
  emptyFiltered: {
    title: 'Keine Sitzung passt',
    text: 'Entfernen Sie einen Filter, oder sehen Sie bei den beendeten nach.',
  },
};
