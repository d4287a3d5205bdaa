/** What the element says. `device` is a device's name, as `name` makes it. */
export type Texts = {
  list: string;
  current: string;
  unknown: string;
  name(program: string, system: string): string;
  seen(when: string): string;
  opened(when: string): string;
  more(count: number): string;
  end: string;
  endOne(device: string): string;
  endOthers: string;
  askOne(device: string): string;
  askOthers(count: number): string;
  cancel: string;
  loading: string;
  ended(device: string): string;
  endedOthers(count: number): string;
  failed: string;
  notEnded: string;
  again: string;
};

const en: Texts = {
  list: 'Your devices',
  current: 'This device',
  unknown: 'Unknown device',
  name: (program, system) => `${program} on ${system}`,
  seen: (when) => `Last active ${when}`,
  opened: (when) => `Signed in ${when}`,
  more: (count) => `${count} more are not shown.`,
  end: 'Log out',
  endOne: (device) => `Log out: ${device}`,
  endOthers: 'Log out all other devices',
  askOne: (device) => `Log out “${device}”?`,
  askOthers: (count) => (count === 1 ? 'Log out the other device?' : `Log out the ${count} other devices?`),
  cancel: 'Cancel',
  loading: 'Loading your devices …',
  ended: (device) => `“${device}” is logged out.`,
  endedOthers: (count) => (count === 1 ? '1 other device is logged out.' : `${count} other devices are logged out.`),
  failed: 'Your devices cannot be shown at the moment.',
  notEnded: 'This may not have worked. Check the list, and try again if necessary.',
  again: 'Try again',
};

const de: Texts = {
  list: 'Ihre Geräte',
  current: 'Dieses Gerät',
  unknown: 'Unbekanntes Gerät',
  name: (program, system) => `${program} unter ${system}`,
  seen: (when) => `Zuletzt aktiv ${when}`,
  opened: (when) => `Angemeldet ${when}`,
  more: (count) => `${count} weitere werden nicht angezeigt.`,
  end: 'Abmelden',
  endOne: (device) => `Abmelden: ${device}`,
  endOthers: 'Alle anderen Geräte abmelden',
  askOne: (device) => `„${device}“ abmelden?`,
  askOthers: (count) => (count === 1 ? 'Das andere Gerät abmelden?' : `Die ${count} anderen Geräte abmelden?`),
  cancel: 'Abbrechen',
  loading: 'Ihre Geräte werden geladen …',
  ended: (device) => `„${device}“ ist abgemeldet.`,
  endedOthers: (count) => (count === 1 ? '1 anderes Gerät ist abgemeldet.' : `${count} andere Geräte sind abgemeldet.`),
  failed: 'Ihre Geräte können im Moment nicht angezeigt werden.',
  notEnded: 'Das ist vielleicht nicht gelungen. Prüfen Sie die Liste, und versuchen Sie es gegebenenfalls noch einmal.',
  again: 'Erneut versuchen',
};

/** The texts for a language tag; English if there are none in that language. */
export function textsFor(language: string): Texts {
  return /^de\b/i.test(language) ? de : en;
}
