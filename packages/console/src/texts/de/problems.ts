import { count, plural } from '../forms.ts';
import type { Texts } from '../index.ts';

export const problems: Texts['problems'] = {
  told: {
    invalid_credentials: { title: 'Der Benutzername oder das Passwort ist falsch.' },
    second_factor_invalid: {
      title: 'Dieser Code ist falsch oder wurde schon benutzt.',
      text: 'Geben Sie den ein, der jetzt angezeigt wird.',
    },
    second_factor_required: { title: 'Ein Code ist nötig.' },
    fresh_sign_in_required: { title: 'Dazu ist eine frische Anmeldung nötig.' },
    permission_missing: {
      title: 'Ihr Konto darf das nicht.',
      text: 'Die Verwaltung kann Ihnen die Berechtigung geben.',
    },
    session_not_found: {
      title: 'Diese Sitzung gibt es nicht.',
      text: 'Vielleicht ist der Link vertippt. Lange beendete Sitzungen werden nicht aufbewahrt.',
    },
    account_not_found: { title: 'Dieses Konto gibt es nicht.', text: 'Vielleicht wurde es gelöscht.' },
    key_not_found: { title: 'Diesen API-Schlüssel gibt es nicht.' },
    named_session_not_found: { title: 'Diese benannte Sitzung gibt es nicht.', text: 'Vielleicht wurde sie gelöscht.' },
    named_session_exists: { title: 'Eine benannte Sitzung mit diesem Namen gibt es schon.' },
    named_session_stopped: { title: 'Die benannte Sitzung ist angehalten.', text: 'Starten Sie sie zuerst.' },
    name_taken: { title: 'Dieser Name wird schon benutzt.' },
    username_taken: { title: 'Dieser Benutzername wird schon benutzt.' },
    email_taken: { title: 'Diese E-Mail-Adresse wird schon benutzt.' },
    email_not_pending: {
      title: 'Diese Adresse wartet nicht auf eine Bestätigung.',
      text: 'Sehen Sie noch einmal nach: vielleicht hat sie sich geändert.',
    },
    last_administrator: {
      title: 'Das letzte Verwaltungskonto kann so nicht geändert werden.',
      text: 'Geben Sie zuerst einem anderen Konto diese Rolle.',
    },
    factor_not_enrolled: { title: 'Es ist kein zweiter Faktor eingerichtet.' },
    factor_already_enrolled: { title: 'Ein zweiter Faktor ist schon eingerichtet.' },
    changed_meanwhile: {
      title: 'Jemand anderes hat es zur selben Zeit geändert.',
      text: 'Sehen Sie noch einmal nach und wiederholen Sie es.',
    },
    cursor_invalid: {
      title: 'Diese Liste hat sich zu sehr geändert, um sie fortzusetzen.',
      text: 'Beginnen Sie noch einmal von vorn.',
    },
    cursor_of_another_query: {
      title: 'Diese Liste hat sich zu sehr geändert, um sie fortzusetzen.',
      text: 'Beginnen Sie noch einmal von vorn.',
    },
    preview_expired: {
      title: 'Diese Zählung ist zu alt.',
      text: 'Zählen Sie noch einmal. Was beendet ist, bleibt beendet.',
    },
    preview_invalid: {
      title: 'Diese Zählung gilt nicht mehr.',
      text: 'Zählen Sie noch einmal. Was beendet ist, bleibt beendet.',
    },
    preview_of_another: { title: 'Das hat jemand anderes gezählt.', text: 'Zählen Sie selbst noch einmal.' },
    invalid_value: { title: 'Ein Wert ist nicht erlaubt.' },
    missing_field: { title: 'Etwas fehlt.' },
    too_many_groups: { title: 'Eine Sitzung kann höchstens 100 Zugriffsgruppen haben.' },
    user_id_too_long: { title: 'Die Benutzerkennung ist zu lang.', text: 'Sie kann höchstens 255 Bytes haben.' },
    too_many_streams: { title: 'Zu viele Seiten verfolgen schon die Ereignisse.', text: 'Schließen Sie eine davon.' },
    outcome_unknown: {
      title: 'Der Server weiß nicht, ob das wirksam wurde.',
      text: 'Sehen Sie nach, bevor Sie es wiederholen. Etwas zweimal zu beenden ist ungefährlich.',
    },
    timeout: {
      title: 'Der Server hat nicht rechtzeitig geantwortet.',
      text: 'Eine Änderung kann wirksam geworden sein. Sehen Sie nach, bevor Sie sie wiederholen; etwas zweimal zu beenden ist ungefährlich.',
    },
    unreachable: {
      title: 'Der Server ist nicht erreichbar.',
      text: 'Prüfen Sie Ihre Verbindung. Auf dieser Seite geht nichts verloren.',
    },
    not_curfew: {
      title: 'Etwas anderes als Curfew hat geantwortet.',
      text: 'Vielleicht liegt es an einem Proxy dazwischen.',
    },
    redirected: {
      title: 'Etwas anderes als Curfew hat geantwortet.',
      text: 'Vielleicht liegt es an einem Proxy dazwischen.',
    },
    store_unavailable: {
      title: 'Der Speicher antwortet nicht.',
      text: 'Nichts wurde geändert. Versuchen Sie es gleich noch einmal.',
    },
    store_full: { title: 'Der Speicher ist voll.', text: 'Nichts wurde geändert, und nichts ging verloren.' },
    server_busy: {
      title: 'Der Server ist ausgelastet.',
      text: 'Nichts wurde geändert. Versuchen Sie es gleich noch einmal.',
    },
    shutting_down: { title: 'Der Server wird gerade beendet.', text: 'Versuchen Sie es gleich noch einmal.' },
    clock_stepped_back: {
      title: 'Die Uhr des Servers ist zurückgegangen.',
      text: 'Sitzungen können weiterhin beendet werden.',
    },
    cross_site_refused: {
      title: 'Der Server hielt diese Anfrage für die einer fremden Seite.',
      text: 'Ein Proxy dazwischen ändert vielleicht den Hostnamen; sehen Sie seine Einstellungen nach.',
    },
    internal: {
      title: 'Im Server ist etwas schiefgegangen.',
      text: 'Sein Protokoll enthält die Einzelheiten unter der Kennung der Anfrage.',
    },
  },
  mayHaveTaken:
    'Die Änderung kann wirksam geworden sein. Sehen Sie nach, bevor Sie sie wiederholen; etwas zweimal zu beenden ist ungefährlich.',
  tooMany: (seconds) =>
    seconds === undefined
      ? 'Zu viele Versuche. Warten Sie eine Weile.'
      : `Zu viele Versuche. Warten Sie ${seconds < 120 ? plural(seconds, '1 Sekunde', `${count(seconds)} Sekunden`) : `${count(Math.ceil(seconds / 60))} Minuten`}.`,
  fault: {
    title: 'Auf dieser Seite ist etwas schiefgegangen.',
    text: 'Laden Sie sie neu. Hilft das nicht, hat vielleicht die Version des Servers gewechselt.',
  },
};
