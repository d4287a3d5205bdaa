import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Logger, pino } from 'pino';
import { minute } from './domain/limits.ts';
import { escapeSteering } from './domain/steering.ts';
import { CurfewError } from './errors.ts';
import type { Settings } from './start/config.ts';

export type Log = {
  /** For everything except requests; it leaves out what could be secret. */
  logger: Logger;
  /** For one line per request, with fixed fields that contain no secrets. */
  requestLogger: Logger;
  /** Continues in a new file with the same name, after the old one was renamed. */
  reopen(): void;
};

/**
 * Lines are written once there are this many bytes, or after a second: a write for each request would be a tenth of the
 * request's cost.
 */
const together = 4096;
/** At most this many bytes wait if they cannot be written; beyond that, lines are lost and the server continues. */
const mostWaiting = 16 * 1024 * 1024;

type LogSettings = Pick<Settings, 'logLevel' | 'logFile'>;

/** At a terminal, lines of requests would hide what the start prints: the address, and secrets that are shown once. */
export function logLevelOf({ logLevel, logFile }: LogSettings): NonNullable<Settings['logLevel']> {
  return logLevel ?? (logFile === undefined && process.stdout.isTTY ? 'warn' : 'info');
}

/** @throws `config_invalid` if the file cannot be written */
export function openLog(settings: LogSettings): Log {
  const { logFile } = settings;
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
  // After a failed reopening, what should close the old descriptor still waits. After the next one it would close it again,
  // when it may be the descriptor of something else.
  destination.on('error', () => destination.removeAllListeners('ready'));
  setInterval(() => destination.flush(), 1000).unref();
  // Logs are also read on terminals, and the application chooses user ids.
  const options = { level: logLevelOf(settings), base: null, hooks: { streamWrite: escapeSteering } };
  const redact = { paths: ['*.token', '*.refreshToken', '*.password', '*.authorization', '*.cookie'], censor: '…' };
  return {
    logger: pino({ ...options, redact }, destination),
    requestLogger: pino(options, destination),
    reopen: () => destination.reopen(),
  };
}

/** Checks the file at the start, while somebody is there to correct it; later, errors might go unnoticed. */
function tryFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw new CurfewError('config_invalid', { detail: `CURFEW_LOG_FILE: ${(error as Error).message}.` }, error);
  }
}

/** If the log cannot be written, the server continues and reports it on standard error once a minute. */
function teller(logFile: string | undefined): (error: Error) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return ({ message }) => {
    if (performance.now() - toldAt < minute) return;
    toldAt = performance.now();
    const place = logFile === undefined ? 'standard output' : `CURFEW_LOG_FILE ${logFile}`;
    process.stderr.write(`The log cannot be written to ${place}: ${message}.\n`);
  };
}

/**
 * Passes an error on, unless the same one was passed on within the last minute; then the next one tells how many were
 * not. A store that is away for an hour fails several times a second.
 */
export function seldom(
  report: (error: unknown, unreported: number) => void,
  now = () => performance.now(),
): (error: unknown) => void {
  const told = new Map<string, { at: number; unreported: number }>();
  return (error) => {
    const { code, message } = error as { code?: string; message?: string };
    const what = code ?? message ?? String(error);
    const last = told.get(what);
    if (last && now() - last.at < minute) {
      last.unreported += 1;
      return;
    }
    // Messages may contain numbers that differ every time.
    if (told.size >= mostKinds) told.clear();
    told.set(what, { at: now(), unreported: 0 });
    report(error, last?.unreported ?? 0);
  };
}

/** Kinds of errors that are remembered. */
const mostKinds = 100;
