import { type Language, language } from '../app/settings.ts';
import type { en } from './en/index.ts';

/** Every text of the console. The English one is the model: each language has exactly the same. */
export type Texts = typeof en;

/** The texts in the language of this page; there before anything is drawn. */
export let t: Texts;

const load: Record<Language, () => Promise<Texts>> = {
  en: async () => (await import('./en/index.ts')).en,
  de: async () => (await import('./de/index.ts')).de,
  'en-XA': async () => (await import('./pseudo.ts')).accented,
  'ar-XB': async () => (await import('./pseudo.ts')).rightToLeft,
};

export async function loadTexts(): Promise<void> {
  t = await load[language]();
  document.documentElement.lang = language;
  document.documentElement.dir = language === 'ar-XB' ? 'rtl' : 'ltr';
}
