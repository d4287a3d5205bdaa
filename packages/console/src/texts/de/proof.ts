import type { Texts } from '../index.ts';

export const proof: Texts['proof'] = {
  title: 'Bestätigen Sie, dass Sie es sind',
  text: 'Dieser Schritt braucht einen Code. Es geht weiter, sobald der Code stimmt.',
  freshText: 'Ihre Anmeldung ist mehr als 15 Minuten her. Bestätigen Sie, dass Sie es noch sind; dann geht es weiter.',
  code: 'Code',
  codeHint: 'Die sechs Ziffern aus Ihrer Authenticator-App, oder einer Ihrer Ersatzcodes.',
  submit: 'Bestätigen',
  wrong: 'Dieser Code ist falsch oder wurde schon benutzt. Geben Sie den ein, der jetzt angezeigt wird.',
  missing: 'Geben Sie den Code ein.',
  password: 'Passwort',
  missingPassword: 'Geben Sie Ihr Passwort ein.',
  passwordInstead: 'Stattdessen das Passwort verwenden',
  codeInstead: 'Stattdessen einen Code verwenden',
  enrolTitle: 'Zweiten Faktor einrichten',
  enrolText:
    'Dieser Schritt braucht einen Code aus einer Authenticator-App, und Ihr Konto hat noch keine. Es dauert eine Minute.',
  scan: 'Scannen Sie das mit einer Authenticator-App auf Ihrem Telefon.',
  qr: 'QR-Code für die Authenticator-App',
  typeInstead: 'Oder tippen Sie diesen Schlüssel in die App:',
  firstCode: 'Geben Sie dann den Code ein, den die App anzeigt.',
  enrol: 'Einrichten',
  backupTitle: 'Speichern Sie Ihre Ersatzcodes',
  backupText: 'Jeder dieser Codes gilt einmal, wenn Sie Ihr Telefon nicht haben. Sie werden nicht noch einmal gezeigt.',
  goOn: 'Ich habe sie gespeichert',
};
