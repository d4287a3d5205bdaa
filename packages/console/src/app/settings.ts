import { held } from './held.ts';

/*
 * How this browser shows the console. It is kept in this browser and sent nowhere.
 */

export type Theme = 'system' | 'light' | 'dark';
export const themes: readonly Theme[] = ['system', 'light', 'dark'];

/** `en-XA` and `ar-XB` are made from English: accented, to show what is not translated, and written right to left. */
export type Language = 'en' | 'de' | 'en-XA' | 'ar-XB';
/** Each in its own words. */
export const languages: Readonly<Record<string, string>> = { en: 'English', de: 'Deutsch' };
const known: readonly Language[] = ['en', 'de', 'en-XA', 'ar-XB'];

const names = { theme: 'curfew.theme', language: 'curfew.language' };

export const theme = held<Theme>(read(names.theme, themes) ?? 'system');

export function setTheme(value: Theme): void {
  theme.set(value);
  write(names.theme, value);
  showTheme();
}

export function showTheme(): void {
  const value = theme.get();
  if (value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = value;
}

export const language: Language = read(names.language, known) ?? preferred();

/** The page is loaded again: its texts are loaded once, before anything is drawn. */
export function setLanguage(value: Language): void {
  write(names.language, value);
  location.reload();
}

function preferred(): Language {
  const first = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in languages);
  return (first as Language | undefined) ?? 'en';
}

/** The tag with which numbers and times are written: the one that the browser prefers for the language. */
export function localeTag(): string {
  const base = language.slice(0, 2) === 'de' ? 'de' : 'en';
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith(base)) ?? base;
}

function read<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
  try {
    const text = localStorage.getItem(name);
    return values.find((value) => value === text);
  } catch {
    // A browser may forbid to keep anything.
    return undefined;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It then lasts as long as the page.
  }
}
