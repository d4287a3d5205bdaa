import { join } from 'node:path';
import type { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { type Running, start } from '../../frameworks/test/programs.ts';

const home = join(import.meta.dirname, '..');

/** Starts one of the programs of this folder. */
export function program(name: string, settings: Record<string, string>): Promise<Running> {
  const args = ['--conditions=curfew-source', join(home, 'src', `${name}.ts`)];
  return start({ args }, { SESSION_SECRET: 'a text of at least 32 characters', ...settings });
}

export const onCurfew = (server: TestServer): Record<string, string> => ({
  CURFEW_URL: server.url,
  CURFEW_API_KEY: server.key,
});
