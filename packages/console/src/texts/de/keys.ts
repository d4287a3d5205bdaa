import { count, name, plural, usedAt } from '../forms.ts';
import type { Texts } from '../index.ts';

export const keys: Texts['keys'] = {
  title: 'API-Schlüssel',
  intro: 'Damit melden sich Programme an. Ein widerrufener Schlüssel gilt sofort nirgends mehr.',
  list: 'API-Schlüssel, neueste zuerst',
  columns: {
    name: 'Name',
    scopes: 'Berechtigungen',
    created: 'Angelegt',
    by: 'Von',
    used: 'Zuletzt benutzt',
    actions: 'Aktionen',
  },
  forBrowsers: 'Für Browser',
  allScopes: 'Alle',
  used: (at) => usedAt(at, (hours) => plural(hours, 'In der letzten Stunde', `In den letzten ${count(hours)} Stunden`)),
  neverUsed: 'Nicht bekannt',
  revoked: 'Widerrufen',
  revoke: 'Widerrufen',
  revokeNamed: (key) => `${name(key)} widerrufen`,
  revokeTitle: (key) => `${name(key)} widerrufen?`,
  revokeText:
    'Programme, die ihn benutzen, werden ab dann abgewiesen, und damit angebundene Verifier werden getrennt. Das lässt sich nicht rückgängig machen.',
  create: 'Schlüssel anlegen',
  newTitle: 'API-Schlüssel anlegen',
  name: 'Name',
  nameHint: 'Wofür er ist, zum Beispiel das Programm, das ihn benutzen wird.',
  nameMissing: 'Geben Sie ihm einen Namen.',
  scopes: 'Was er darf',
  scopesHint:
    'Wählen Sie so wenig, wie das Programm braucht. Ohne Auswahl wird es ein Schlüssel für Browser, der öffentlich sein darf.',
  madeTitle: 'Kopieren Sie den Schlüssel jetzt',
  madeText: 'Er wird nur dieses eine Mal gezeigt. Speichern Sie ihn dort, wo das Programm seine Geheimnisse hat.',
  kept: 'Ich habe ihn gespeichert',
  empty: { title: 'Noch keine API-Schlüssel', text: 'Legen Sie für jedes Programm, das Curfew benutzt, einen an.' },
};
