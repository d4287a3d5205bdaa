import { name } from '../forms.ts';
import type { Texts } from '../index.ts';

export const signIn: Texts['signIn'] = {
  title: 'Bei Curfew anmelden',
  login: 'Benutzername oder E-Mail-Adresse',
  password: 'Passwort',
  submit: 'Anmelden',
  next: 'Weiter',
  code: 'Code',
  codeHint: 'Die sechs Ziffern aus Ihrer Authenticator-App, oder einer Ihrer Ersatzcodes.',
  codeTitle: 'Code eingeben',
  codeFor: (who) => `für ${name(who)}`,
  otherAccount: 'Ein anderes Konto verwenden',
  missing: 'Füllen Sie beide Felder aus.',
  missingCode: 'Geben Sie den Code ein.',
  insecure:
    'Diese Seite kam über eine unverschlüsselte Verbindung; der Browser wird Sie nicht angemeldet lassen. Öffnen Sie sie mit https oder auf dem Rechner, auf dem der Server läuft.',
  noCookie:
    'Das Passwort stimmt, aber der Browser hat die Sitzung nicht behalten. Vielleicht sperrt er Cookies, oder er verlangt https für diese Adresse.',
  endedWhy: {
    byOneself: 'Sie sind abgemeldet.',
    ended: (reason) => `Ihre Sitzung ist beendet: ${reason}. Melden Sie sich wieder an, um dort weiterzumachen.`,
    otherwise: 'Ihre Sitzung gilt nicht mehr. Melden Sie sich wieder an, um dort weiterzumachen.',
  },
};
