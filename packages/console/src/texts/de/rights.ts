import type { Texts } from '../index.ts';

export const rights: Texts['rights'] = {
  roles: {
    admin: 'Darf alles.',
    support: 'Sieht und beendet Sitzungen.',
    auditor: 'Sieht alles und ändert nichts.',
    member: 'Sieht und beendet die eigenen Sitzungen.',
  },
  permissions: {
    'sessions.create': 'Sitzungen für Benutzer öffnen.',
    'sessions.verify': 'Fragen, ob eine Sitzung gültig ist.',
    'sessions.read': 'Sitzungen lesen und auflisten.',
    'sessions.end': 'Die Sitzungen anderer beenden.',
    'groups.change': 'Zugriffsgruppen ändern.',
    'accounts.manage': 'Konten anlegen, ändern und löschen.',
    'keys.manage': 'API-Schlüssel anlegen und widerrufen.',
    'events.read': 'Das Protokoll und den Zustand des Servers lesen.',
    'fence.attach': 'Einen Verifier anbinden, der ohne Netz antwortet.',
  },
};
