import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { cache } from './installed.ts';

/** A version of an editor, and what a person does in it. */
export type Editor = {
  readonly name: string;
  /** Tries everything in it, and reports each trial when it is done. */
  readonly tryOut: (browser: Browser, tell: (trial: Trial) => void) => Promise<void>;
};

/** What was tried in an editor, and the result. */
export type Trial = { readonly editor: string; readonly what: string; readonly passed: boolean; readonly told: string };

/** An action of a person, including the check of its result. */
export type Step = (name: string, act: () => Promise<unknown>) => Promise<void>;

/** The folder for the pictures of an editor, emptied. */
export function pictures(editor: string): string {
  const folder = join(cache, 'pictures', editor.replaceAll(' ', '-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Performs the steps of a trial, with a picture after each; the first failure ends it. */
export async function tried(
  { editor, what, page, folder }: { editor: string; what: string; page: Page; folder: string },
  act: (step: Step) => Promise<void>,
): Promise<Trial> {
  const done: string[] = [];
  const picture = (name: string) =>
    page.screenshot({ path: join(folder, `${what}-${name}.png`.replaceAll(' ', '-').toLowerCase()) });
  try {
    await act(async (name, step) => {
      await step();
      done.push(name);
      await picture(`${String(done.length).padStart(2, '0')}-${name}`);
    });
    return { editor, what, passed: true, told: done.join(', ') };
  } catch (error) {
    await picture('failed');
    const why = String(error).split('\n').slice(0, 4).join(' ');
    return { editor, what, passed: false, told: `after: ${done.join(', ')}. ${why}` };
  }
}
