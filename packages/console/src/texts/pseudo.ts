import { en } from './en/index.ts';
import type { Texts } from './index.ts';

/*
 * Languages that nobody speaks, made from English for tests: whatever still looks like English on the screen was not
 * taken from the catalogue.
 */

const accents: Readonly<Record<string, string>> = Object.fromEntries(
  [...'aeiouycnsAEIOUYCNS'].map((letter, i) => [letter, [...'áéíóúýçñšÁÉÍÓÚÝÇÑŠ'][i]!]),
);

/** Longer, as most languages are, and in brackets, which shows where a text is cut off. */
const accent = (text: string): string =>
  `[${text.replace(/[a-z]/gi, (letter) => accents[letter] ?? letter)}${'·'.repeat(Math.ceil(text.length / 4))}]`;

const mirror = (text: string): string => `\u2067${text}\u2069`;

/** The same catalogue, with every text changed. */
function changed<Part>(part: Part, change: (text: string) => string): Part {
  if (typeof part === 'string') return change(part) as Part;
  if (typeof part === 'function') return ((...input: unknown[]) => changed(part(...input), change)) as Part;
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, changed(value, change)])) as Part;
}

export const accented: Texts = changed(en, accent);
export const rightToLeft: Texts = changed(en, mirror);
