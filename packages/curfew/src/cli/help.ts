import type { Help } from 'commander';
import { wrap } from './terminal.ts';

/*
 * How Commander lays out `--help`: at a terminal within its width, as every other text of the command line; otherwise
 * with one line for each option.
 */

/** An option with its description beside it, or below it if the terminal has no room for both. */
function formatItem(this: Help, term: string, termWidth: number, description: string): string {
  if (description === '') return `  ${term}`;
  const width = this.helpWidth!;
  const lead = `  ${term.padEnd(termWidth)}  `;
  if (width - lead.length >= this.minWidthToWrap) return wrap(description, width, lead);
  return `  ${term}\n${wrap(description, width, '      ')}`;
}

export const helpLayout: Partial<Help> = { boxWrap: wrap, formatItem };
