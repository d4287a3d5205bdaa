import { name } from '../forms.ts';
import type { Texts } from '../index.ts';

export const named: Texts['named'] = {
  title: 'Benannte Sitzungen',
  intro:
    'Eine benannte Sitzung ist ein Platz mit einem Namen und einer Konfiguration, die bleiben, wenn die Sitzung darin endet.',
  list: 'Benannte Sitzungen, nach Name',
  columns: {
    name: 'Name',
    status: 'Zustand',
    session: 'Sitzung',
    user: 'Person',
    changed: 'Geändert',
    actions: 'Aktionen',
  },
  status: { working: 'In Betrieb', waiting: 'Wartet auf eine Sitzung', stopped: 'Angehalten' },
  actions: {
    config: 'Konfigurieren',
    start: 'Starten',
    stop: 'Anhalten',
    logout: 'Sitzung beenden',
    delete: 'Löschen',
  },
  named: (action, of) => `${action}: ${name(of)}`,
  steps: {
    start: {
      title: (of) => `${name(of)} starten?`,
      text: 'Eine Sitzung, die darin angehalten war, gilt wieder.',
    },
    stop: {
      title: (of) => `${name(of)} anhalten?`,
      text: 'Die Sitzung darin wird angehalten: Sie bleibt erhalten, gilt aber nicht, bis Sie sie wieder starten.',
    },
    logout: {
      title: (of) => `Die Sitzung in ${name(of)} beenden?`,
      text: 'Der Name und seine Konfiguration bleiben, und eine andere Sitzung kann ihren Platz einnehmen.',
    },
    delete: {
      title: (of) => `${name(of)} löschen?`,
      text: 'Die Sitzung darin endet, und der Name und seine Konfiguration werden entfernt. Das lässt sich nicht rückgängig machen.',
    },
  },
  create: 'Anlegen',
  newTitle: 'Benannte Sitzung anlegen',
  name: 'Name',
  nameMissing: 'Geben Sie einen Namen ein.',
  config: 'Konfiguration',
  configHint: 'Ein JSON-Objekt für Ihre eigenen Zwecke, höchstens 16 KiB.',
  configWrong: 'Das ist kein JSON-Objekt.',
  configTitle: (of) => `Konfiguration von ${name(of)}`,
  empty: {
    title: 'Noch keine benannten Sitzungen',
    text: 'Sie erscheint hier, wenn sie angelegt oder eine Sitzung mit einem Namen geöffnet wird.',
  },
};
