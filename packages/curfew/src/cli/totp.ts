import type { Command } from 'commander';
import { totpCode } from '../domain/second-factor.ts';
import { exitCodes, Stop } from './context.ts';
import { orInput, secretArgument } from './secret-argument.ts';

export function totp(program: Command): void {
  program
    .command('totp')
    .description('print the current code for an authenticator secret, for scripts and for tests')
    .argument('<secret>', `the secret, base 32; ${orInput}`)
    .option('--at <seconds>', 'the time in seconds since 1970; by default, now')
    .action(async (given: string, { at }: { at?: string }) => {
      const secret = await secretArgument(given);
      if (!/^[A-Z2-7]+=*$/i.test(secret)) throw new Stop(exitCodes.usage, 'The secret is not base 32.');
      process.stdout.write(`${totpCode(secret, at === undefined ? Date.now() : Number(at) * 1000)}\n`);
    });
}
