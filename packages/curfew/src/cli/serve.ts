import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import { logLevelOf } from '../log.ts';
import { options, type SettingName } from '../start/config.ts';
import type { RunningServer } from '../start/serve.ts';
import { showStore } from '../stores/open.ts';
import { columnsOf, paint, writeTo } from './terminal.ts';

/** Milliseconds within which another signal counts as the same one. */
const sameSignal = 1000;

export function serve(program: Command): void {
  const command = program.command('serve').description('run the server');
  for (const { flag, form, help, env, fallback } of Object.values(options)) {
    command.option(`${flag} <${form}>`, `${help} [${env}${fallback === undefined ? '' : `, ${fallback}`}]`);
  }
  command.action(async (flags: Partial<Record<SettingName, string>>) => {
    // This loads the whole server, which no other command needs.
    const { serve: start } = await import('../start/serve.ts');
    const starting = start(process.env, flags);
    // The handlers come before anything is created: a server that is stopped while it starts still shows the secrets of
    // its first start, and closes its store.
    let toldAt: number | undefined;
    const stop = (signal: NodeJS.Signals) => {
      if (toldAt !== undefined) {
        // A second signal stops the server at once. But a supervisor may signal a whole process group, whose parents
        // pass the signal on, so it must not count twice.
        if (performance.now() - toldAt > sameSignal) process.exit(1);
        return;
      }
      toldAt = performance.now();
      process.stderr.write(`${signal}: finishing accepted requests …\n`);
      void starting.then((server) => close(server, signal), failedToStart);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    // The log may be rotated while the server starts. Without a log file, SIGHUP ends the server, as when its terminal
    // is closed.
    const hangUp = () => {
      void starting.then(({ settings, reopenLog }) => {
        if (settings.logFile === undefined) process.kill(process.pid, 'SIGHUP');
        else reopenLog();
      }, failedToStart);
    };
    process.on('SIGHUP', hangUp);
    const server = await starting;
    greet(server);
    if (server.settings.logFile === undefined) process.off('SIGHUP', hangUp);
  });
}

/** The command itself reports why a server did not start. */
function failedToStart(): void {}

async function close(server: RunningServer, signal: NodeJS.Signals): Promise<never> {
  try {
    // After SIGTERM, give proxies time to notice; after Ctrl-C, somebody is waiting at a terminal.
    if (signal === 'SIGTERM') await server.drain();
    await server.close();
    process.exit(0);
  } catch (error) {
    writeTo(process.stderr, String(error));
    process.exit(1);
  }
}

const line = (name: string, text: string) => `  ${paint('dim', name.padEnd(10))} ${text}`;

/** A secret beside its name; below it if the terminal would break it otherwise, because people copy it. */
function secretLines(name: string, secret: string): string[] {
  const beside = line(name, `${paint('bold', secret)}   shown once`);
  const fits = stripVTControlCharacters(beside).length <= columnsOf(process.stderr);
  return fits ? [beside] : [line(name, 'shown once:'), `  ${paint('bold', secret)}`];
}

/** Prints what to open and how to sign in; generated secrets are shown only here. */
function greet({ url, first, settings }: RunningServer): void {
  const lines = [
    '',
    `  ${paint('bold', 'Curfew')} is up: end any session, anywhere, now.`,
    '',
    ...(settings.console ? [line('console', `${url}/console`)] : []),
    line('API', `${url}/docs`),
  ];
  if (first) {
    lines.push(line('user name', first.username));
    if (first.password) lines.push(...secretLines('password', first.password));
    if (first.apiKey) lines.push(...secretLines('API key', first.apiKey));
  }
  lines.push(line('sessions', showStore(settings.store)));
  if (settings.logLevel === undefined && logLevelOf(settings) === 'warn') {
    lines.push(line('log', `warnings only; ${options.logLevel.env}=info adds every request`));
  }
  lines.push('');
  writeTo(process.stderr, lines.join('\n'));
}
