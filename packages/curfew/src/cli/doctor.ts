import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { CurfewApiError } from 'curfew-client';
import type { Finding } from '../domain/finding.ts';
import { errors, isCurfewError } from '../errors.ts';
import { type ReadinessReport, verdicts } from '../http/readiness.ts';
import { readSettings, type Settings } from '../start/config.ts';
import { readinessFindings, runtimeFinding, settingsFindings, storeFindings } from '../start/findings.ts';
import { existingSecretKey, keyFile, keyFingerprint } from '../start/secret-key.ts';
import type { Store } from '../stores/contract.ts';
import { checkFolder, folderOf, openStore, planStore, roomIn, showStore } from '../stores/open.ts';
import { accessTo, type Context, contextOf, defaultUrl, exitCodes, Stop } from './context.ts';
import { serversOf } from './doctor-servers.ts';
import { timeOf } from './doctor-time.ts';
import { urlOfServer } from './server-url.ts';
import { paint, wrap } from './terminal.ts';

/** Milliseconds by which clocks may differ before there is a warning. */
const clockTolerance = 5000;

export function doctor(program: Command): void {
  program
    .command('doctor')
    .description('check this machine, its settings, its store and the server for problems')
    .option('--mend-time', 'reset the latest time in the store, if a wrong clock has written it')
    .action(async ({ mendTime = false }: { mendTime?: boolean }, command: Command) => {
      const context = contextOf(command);
      const findings = [runtimeFinding(), ...(await localSettings(mendTime)), ...(await server(context))];
      const { terminal } = context;
      if (terminal.json) terminal.out(JSON.stringify({ findings }, null, 2));
      else for (const finding of findings) terminal.out(text(finding, terminal.width));
      if (findings.some(({ state }) => state === 'fault')) throw new Stop(exitCodes.failed);
    });
}

function text({ check, state, says, remedy }: Finding, width: number): string {
  const mark = { ok: paint('green', '✓'), warning: paint('yellow', '!'), fault: paint('red', '✗') }[state];
  const lines = [wrap(says, width, `${mark} ${check.padEnd(10)} `)];
  if (remedy !== undefined) lines.push(paint('dim', wrap(remedy, width, `${' '.repeat(13)}→ `)));
  return lines.join('\n');
}

/** Checks what `curfew serve` would read here, and the store that it names. */
async function localSettings(mendTime: boolean): Promise<Finding[]> {
  try {
    const { settings, warnings } = readSettings(process.env);
    const folder = folderOf(settings.store);
    const ofStore =
      folder === undefined ? await storeOnServer(settings, mendTime) : await storeInFolder(folder, settings, mendTime);
    return [...settingsFindings(warnings), ...ofStore];
  } catch (error) {
    if (!isCurfewError(error)) throw error;
    return [{ check: 'settings', state: 'fault', says: error.message, remedy: error.remedy }];
  }
}

/**
 * Checks a store on a server: what it is, how fast it answers, what a crash would lose, and its clock. Changes nothing,
 * unless its time is to be mended.
 */
async function storeOnServer(settings: Settings, mendTime: boolean): Promise<Finding[]> {
  const check = 'store';
  const key = keyOfServers(settings);
  let findings: Finding[] = [key];
  try {
    const { version, pending } = await planStore(settings.store);
    if (pending.length > 0) {
      const says = `${showStore(settings.store)} has version ${version}; serve, or \`curfew migrate\`, brings it to ${pending.at(-1)!.number}`;
      if (!mendTime) return [...findings, { check, state: 'ok', says }];
      return [...findings, { check, state: 'fault', says, remedy: 'Run `curfew migrate` before you mend its time.' }];
    }
    const store = await openStore(settings.store);
    try {
      if (key.state === 'ok') findings = [comparedKey(settings, await store.keyFingerprint())];
      const [about, ...durability] = storeFindings(await store.describe());
      return [
        ...findings,
        about,
        await writesOf(store),
        ...durability,
        ...(await serversOf(store)),
        ...(await timeOf(store, settings.maxClockOffset, mendTime)),
      ];
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!isCurfewError(error)) throw error;
    return [...findings, { check, state: 'fault', says: error.message, remedy: error.remedy }];
  }
}

/** Whether the store accepts writes now. */
async function writesOf(store: Store): Promise<Finding> {
  const check = 'writes';
  try {
    await store.tryWriting();
    return { check, state: 'ok', says: 'accepted' };
  } catch (error) {
    if (!isCurfewError(error)) throw error;
    return { check, state: 'fault', says: error.message, remedy: error.remedy };
  }
}

function keyOfServers(settings: Settings): Finding {
  const check = 'secret key';
  try {
    if (existingSecretKey(settings, undefined)) return { check, state: 'ok', says: 'set' };
  } catch (error) {
    if (!isCurfewError(error)) throw error;
    return { check, state: 'fault', says: error.message, remedy: error.remedy };
  }
  const remedy = 'Set CURFEW_SECRET_KEY or CURFEW_SECRET_KEY_FILE, the same for all servers: `openssl rand -hex 32`.';
  return { check, state: 'fault', says: 'not set, and a store on a server has no folder for it', remedy };
}

/** Whether the key that is set is the one that the store was used with. */
function comparedKey(settings: Settings, kept: string | undefined): Finding {
  const check = 'secret key';
  if (kept === undefined) return { check, state: 'ok', says: 'set; the store has not been used with a key yet' };
  const given = keyFingerprint(existingSecretKey(settings, undefined)!);
  if (given === kept) return { check, state: 'ok', says: 'set, and the one that the store was used with' };
  const { title, remedy } = errors.secret_key_differs;
  return { check, state: 'fault', says: title, remedy };
}

/** Opens the store only if its time is to be mended, because a server may have it open. */
async function storeInFolder(path: string, settings: Settings, mendTime: boolean): Promise<Finding[]> {
  const folder = resolve(path);
  const findings = [
    storeFolder(folder),
    ...(await diskOf(folder)),
    ...(await dataIn(folder)),
    ...hidden('data file', join(folder, 'data.mdb')),
    ...keyIn(folder, settings),
  ];
  if (!mendTime || !existsSync(folder)) return findings;
  const store = await openStore(settings.store);
  try {
    return [...findings, ...(await timeOf(store, settings.maxClockOffset, mendTime))];
  } finally {
    await store.close();
  }
}

/** Whether the key is there that the data needs, and only its owner can read it. */
function keyIn(folder: string, { secretKey, secretKeyFile }: Settings): Finding[] {
  if (secretKey !== undefined || secretKeyFile !== undefined) return [];
  const [check, path] = ['secret key', join(folder, keyFile)];
  if (existsSync(path) || !existsSync(join(folder, 'data.mdb'))) return hidden(check, path);
  const { title, remedy } = errors.secret_key_missing;
  return [{ check, state: 'fault', says: `${title}: ${path} does not exist`, remedy }];
}

/** Whether the disk has room for everything that may be written. */
async function diskOf(folder: string): Promise<Finding[]> {
  if (!existsSync(folder)) return [];
  const check = 'writes';
  const { free, shortage } = await roomIn(folder);
  const left = `${Math.floor(free / 2 ** 20)} MiB are free on the disk of ${folder}`;
  if (shortage === undefined) return [{ check, state: 'ok', says: left }];
  return [{ check, state: 'fault', says: `${shortage}; ${left}`, remedy: errors.store_full.remedy }];
}

/** Reads all data, which may take as long as copying it, unless a process has the store open. */
async function dataIn(folder: string): Promise<Finding[]> {
  const check = 'data';
  const file = join(folder, 'data.mdb');
  if (!existsSync(file)) return [];
  try {
    if ((await checkFolder(folder)) === 'sound')
      return [{ check, state: 'ok', says: `every page of ${file} is sound` }];
    return [
      {
        check,
        state: 'ok',
        says: 'not checked, because a process has it open: `curfew backup` makes a copy and checks it',
      },
    ];
  } catch (error) {
    if (!isCurfewError(error)) throw error;
    return [{ check, state: 'fault', says: error.message, remedy: error.remedy }];
  }
}

function storeFolder(folder: string): Finding {
  if (!existsSync(folder))
    return { check: 'store', state: 'ok', says: `${folder} does not exist yet; serve creates it` };
  try {
    accessSync(folder, constants.R_OK | constants.W_OK);
    return { check: 'store', state: 'ok', says: `${folder} can be written` };
  } catch (error) {
    const remedy =
      (error as NodeJS.ErrnoException).code === 'EROFS'
        ? 'Its file system is read-only, as after a fault of the disk: repair it, and mount it for writing.'
        : 'Give the user that runs Curfew write permission there, or set CURFEW_STORE.';
    return { check: 'store', state: 'fault', says: `${folder} cannot be written`, remedy };
  }
}

/** Whether only a file's owner can access it. */
function hidden(check: string, path: string): Finding[] {
  if (!existsSync(path) || process.platform === 'win32') return [];
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return [{ check, state: 'ok', says: `${path}, readable only by its owner` }];
  const says = `${path} has mode ${mode.toString(8)}: not only its owner can access it`;
  return [{ check, state: 'warning', says, remedy: `chmod 600 ${path}` }];
}

/** Unless a server was named, the one that the settings checked here belong to. */
function urlToCheck({ url }: Context): string {
  if (url !== defaultUrl) return url;
  try {
    return urlOfServer();
  } catch {
    // What is wrong with the settings is a finding of its own.
    return url;
  }
}

async function server(context: Context): Promise<Finding[]> {
  // The server at another address must not get the credential: that may be another program.
  const { url, client } = accessTo(urlToCheck(context), context.options);
  const began = Date.now();
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
    text = await response.text();
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    const why = cause?.code ?? cause?.message ?? message;
    return [
      {
        check: 'server',
        state: 'warning',
        says: `${url} does not answer: ${why}`,
        remedy: 'Start it with `curfew serve`, or set CURFEW_URL.',
      },
    ];
  }
  const took = Date.now() - began;
  const report = reportIn(text);
  const ready = readinessOf(`${url} answers ${response.status} (${took} ms)`, report);
  // Another program must not get the credential, whatever it answers.
  const known = report ? [await credential(client)] : [];
  return [...ready, ...clock(response, began, took), ...known];
}

/** The report of a server; `undefined` if a proxy or another program has answered. */
function reportIn(text: string): ReadinessReport | undefined {
  try {
    const { status, checks } = JSON.parse(text) as ReadinessReport;
    const areChecks = Object.values(checks).every(({ ok }) => typeof ok === 'boolean');
    return verdicts.includes(status) && areChecks ? { status, checks } : undefined;
  } catch {
    return undefined;
  }
}

/** Each failing check of a server, with its remedy. */
function readinessOf(answer: string, report: ReadinessReport | undefined): Finding[] {
  const check = 'server';
  if (!report) {
    const remedy = 'See its log for the cause, or set CURFEW_URL, if it is not a server of Curfew.';
    return [{ check, state: 'fault', says: `${answer} and no report`, remedy }];
  }
  return readinessFindings(answer, report);
}

function clock(response: Response, began: number, took: number): Finding[] {
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return [];
  const difference = Math.round(date - (began + took / 2));
  if (Math.abs(difference) <= clockTolerance)
    return [{ check: 'clock', state: 'ok', says: 'the same as the server’s' }];
  const says = `${Math.abs(Math.round(difference / 1000))} s ${difference < 0 ? 'ahead of' : 'behind'} the server’s`;
  return [{ check: 'clock', state: 'warning', says, remedy: 'Synchronize both with a time service.' }];
}

async function credential(client: Context['client']): Promise<Finding> {
  const check = 'credential';
  try {
    const { kind, account, key, permissions } = await client.me();
    const who = kind === 'key' ? `API key ${key?.name}` : (account?.username ?? 'a session without an account');
    const says = `${who}; may ${permissions.join(', ') || 'end their own sessions'}`;
    if (account && !account.totp && permissions.includes('sessions.end')) {
      return {
        check,
        state: 'warning',
        says,
        remedy: 'Ending others’ sessions requires a second factor: `curfew accounts totp`.',
      };
    }
    return { check, state: 'ok', says };
  } catch (error) {
    if (!(error instanceof CurfewApiError)) throw error;
    return { check, state: 'warning', says: error.message, remedy: 'Use `curfew login`, or set CURFEW_API_KEY.' };
  }
}
