import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** What `curfew login` stores, in a file that only its owner can read. */
export type Credentials = { url: string; token: string; username: string };

function path(): string {
  return join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'curfew', 'credentials.json');
}

export function readCredentials(): Credentials | undefined {
  try {
    return JSON.parse(readFileSync(path(), 'utf8')) as Credentials;
  } catch {
    return undefined;
  }
}

export function writeCredentials(credentials: Credentials): void {
  mkdirSync(dirname(path()), { recursive: true, mode: 0o700 });
  writeFileSync(path(), `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  chmodSync(path(), 0o600);
}

export function removeCredentials(): void {
  rmSync(path(), { force: true });
}
