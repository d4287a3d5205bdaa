import type { Command } from 'commander';
import { answer, contextOf, exitCodes, Stop } from './context.ts';
import { urlOfServer } from './server-url.ts';

/** Milliseconds that an answer may take. */
const patience = 3000;

/**
 * For health checks of containers, whose images have neither a shell nor curl. It has only two exit codes: Docker
 * reserves the others.
 */
export function health(program: Command): void {
  program
    .command('health')
    .description('ask whether the server on this machine is up: exit code 0 if it is, and 1 if not')
    .option('--ready', 'ask whether requests may be sent to it')
    .action(async ({ ready = false }: { ready?: boolean }, command: Command) => {
      const context = contextOf(command);
      const base = context.options.url ?? (process.env['CURFEW_URL'] || urlOfServer());
      const url = `${base.replace(/\/+$/, '')}/${ready ? 'readyz' : 'healthz'}`;
      const status = await statusAt(url, context.options.timeout ?? patience);
      answer(context, { url, status }, (shown) => `${shown.url} is ${shown.status}.`);
    });
}

async function statusAt(url: string, timeout: number): Promise<string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeout) });
    text = await response.text();
  } catch (error) {
    const { cause, message } = error as Error;
    throw new Stop(exitCodes.failed, `${url} does not answer: ${cause instanceof Error ? cause.message : message}.`);
  }
  const status = statusIn(text);
  if (status === undefined) {
    throw new Stop(exitCodes.failed, `${url} answered ${response.status}, and not as Curfew does.`);
  }
  if (!response.ok) throw new Stop(exitCodes.failed, `${url} is ${status}.`);
  return status;
}

function statusIn(text: string): string | undefined {
  try {
    const { status } = JSON.parse(text) as { status?: unknown };
    return typeof status === 'string' ? status : undefined;
  } catch {
    return undefined;
  }
}
