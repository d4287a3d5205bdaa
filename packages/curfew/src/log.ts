import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Logger, pino } from 'pino';
import { minute } from './domain/limits.ts';
import { escapeSteering } from './domain/steering.ts';
import { CurfewError } from './errors.ts';
import type { Settings } from './start/config.ts';

export type Log = {
  /** What happens to the server. What could be secret in it is left out. */
  logger: Logger;
  /** For the line of each request: fixed fields, none of them secret. */
  requestLogger: Logger;
  /** Goes on in a new file of the same name: the old one was renamed, to be kept or deleted. */
  reopen(): void;
};

/** Lines wait for so many bytes, or a second at most: a write a request is a tenth of its cost. */
const together = 4096;
/** What cannot be written waits for so many bytes; then lines are lost, and the server goes on. */
const mostWaiting = 16 * 1024 * 1024;

/** @throws `config_invalid` when the file cannot be written */
export function openLog({ logLevel, logFile }: Pick<Settings, 'logLevel' | 'logFile'>): Log {
  const dest = logFile === undefined ? 1 : resolve(logFile);
  if (typeof dest === 'string') tryFile(dest);
  const destination = pino.destination({
    dest,
    minLength: together,
    maxLength: mostWaiting,
    sync: false,
    mkdir: true,
    mode: 0o600,
  });
  destination.on('error', teller(logFile));
  setInterval(() => destination.flush(), 1000).unref();
  // A log is looked at on a terminal too, and a user's id is the application's own.
  const options = { level: logLevel, base: null, hooks: { streamWrite: escapeSteering } };
  const redact = { paths: ['*.token', '*.refreshToken', '*.password', '*.authorization', '*.cookie'], censor: '…' };
  return {
    logger: pino({ ...options, redact }, destination),
    requestLogger: pino(options, destination),
    reopen: () => destination.reopen(),
  };
}

/** While somebody looks who can mend it: later it would be an error on the side. */
function tryFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw new CurfewError('config_invalid', { detail: `CURFEW_LOG_FILE: ${(error as Error).message}.` }, error);
  }
}

/** A log that cannot be written ends nothing; standard error is told, once a minute. */
function teller(logFile: string | undefined): (error: Error) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return ({ message }) => {
    if (performance.now() - toldAt < minute) return;
    toldAt = performance.now();
    const place = logFile === undefined ? 'standard output' : `CURFEW_LOG_FILE ${logFile}`;
    process.stderr.write(`The log cannot be written to ${place}: ${message}.\n`);
  };
}
