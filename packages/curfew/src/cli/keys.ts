import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { ApiKey, Operations, Receipt } from 'curfew-client';
import { makeKey } from '../authority/keys.ts';
import { permissions } from '../domain/permissions.ts';
import { answer, answerInLines, confirmed, contextOf, exitCodes, Stop, withFactor } from './context.ts';
import { receiptText, shortWithin, usedText } from './format.ts';
import { choice, pageSize } from './option-values.ts';
import { type Column, createTerminal, paint, relative, renderTable } from './terminal.ts';

type CreateOptions = { scope?: string[]; browser?: boolean };

export function keysCreate(keys: Command): void {
  keys
    .command('create')
    .description('create an API key; its token is shown once')
    .argument('<name>', 'what it is for')
    .addOption(choice('-s, --scope <scope...>', 'what it may do', permissions))
    .option('--browser', 'without scopes, for browsers; only the Altogic dialect accepts it')
    .action(async (name: string, { scope = [], browser = false }: CreateOptions, command: Command) => {
      if (browser === scope.length > 0) throw new Stop(exitCodes.usage, 'Give the key scopes, or --browser.');
      const context = contextOf(command);
      const input = { name, scopes: scope } as Operations['createKey']['input'];
      const made = await withFactor(context, (options) => context.client.createKey(input, options));
      answer(context, made, createdText);
    });
}

function createdText({ key, token }: Operations['createKey']['output']): string {
  const says = `API key ${key.name} (${key.id}) has been created. Its token, which is shown only once:`;
  return [says, '', paint('bold', token)].join('\n');
}

export function keysRotate(keys: Command): void {
  keys
    .command('rotate')
    .description('create a key with the name and the scopes of another one, to take its place')
    .argument('<id>', 'the id of the key to replace')
    .option('--revoke', 'revoke the other key at once; without this, revoke it when nothing uses it any more')
    .action(async (id: string, { revoke = false }: { revoke?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { name, scopes, revokedAt } = (await context.client.getKey({ id })).key;
      if (revokedAt) throw new Stop(exitCodes.failed, `The API key ${name} is revoked; create a new one.`);
      if (revoke) await confirmed(context, `This replaces and revokes the API key ${name}. Continue?`);
      const made = await withFactor(context, (options) => context.client.createKey({ name, scopes }, options));
      let revoked: Operations['revokeKey']['output'] | undefined;
      try {
        const { wait } = context.options;
        if (revoke) revoked = await withFactor(context, (options) => context.client.revokeKey({ id, wait }, options));
      } finally {
        // Whatever became of the other key, this token is shown only once.
        answer(context, { ...made, revoked }, (shown) =>
          [createdText(shown), '', revoked ? replacedText(revoked.receipt) : nextText(id)].join('\n'),
        );
      }
    });
}

function replacedText(receipt: Receipt): string {
  return `The other key is revoked.\n${receiptText(receipt)}`;
}

function nextText(id: string): string {
  return `When nothing uses the other key any more: \`curfew keys revoke ${id}\``;
}

export function keysList(keys: Command): void {
  keys
    .command('list')
    .description('list API keys, newest first')
    .addOption(pageSize('keys'))
    .option('--cursor <cursor>', 'show the page after this cursor')
    .action(async ({ limit, cursor }: { limit: number; cursor?: string }, command: Command) => {
      const context = contextOf(command);
      const page = await context.client.listKeys({ limit, cursor });
      answerInLines(context, page, ({ keys: rows, nextCursor }) => {
        if (rows.length === 0) return 'No API keys yet.';
        const more = nextCursor ? `\n\n${paint('dim', `More: --cursor ${nextCursor}`)}` : '';
        return renderTable(rows, columns, context.terminal.width) + more;
      });
    });
}

const columns: readonly Column<ApiKey>[] = [
  { head: 'ID', of: ({ id }) => id, least: 22 },
  { head: 'NAME', of: ({ name }) => name, least: 10 },
  {
    head: 'STATE',
    of: ({ revokedAt }) => (revokedAt ? 'revoked' : 'valid'),
    style: ({ revokedAt }) => (revokedAt ? 'dim' : 'green'),
  },
  { head: 'CREATED', of: ({ createdAt }) => relative(createdAt), least: 9 },
  {
    head: 'LAST USED',
    of: ({ lastUsedAt }) => (lastUsedAt ? usedText(lastUsedAt) : 'never'),
    short: ({ lastUsedAt }) => (lastUsedAt ? usedText(lastUsedAt, shortWithin) : 'never'),
    least: 9,
  },
  { head: 'SCOPES', of: ({ scopes }) => scopesText(scopes) },
];

function scopesText(scopes: ApiKey['scopes']): string {
  if (scopes.length === 0) return 'none: for browsers';
  return scopes.length === permissions.length ? 'all' : scopes.join(' ');
}

export function keysRevoke(keys: Command): void {
  keys
    .command('revoke')
    .description('revoke an API key, so that no server accepts it any more; its streams are cut off')
    .argument('<id>', 'the id of the key')
    .action(async (id: string, _options: object, command: Command) => {
      const context = contextOf(command);
      const { key } = await context.client.getKey({ id });
      await confirmed(context, `This revokes the API key ${key.name}. Continue?`);
      const { wait } = context.options;
      const done = await withFactor(context, (options) => context.client.revokeKey({ id, wait }, options));
      const says = key.revokedAt ? `had already been revoked at ${key.revokedAt}` : 'is revoked';
      answer(context, done, ({ receipt }) => `API key ${key.name} ${says}.\n${receiptText(receipt)}`);
    });
}

export function keysMake(keys: Command): void {
  keys
    .command('make')
    .description('generate a token for CURFEW_API_KEY, without a server')
    .action((_options: object, command: Command) => {
      const terminal = createTerminal(command.optsWithGlobals()['json'] === true);
      const token = makeKey(Date.now(), randomBytes);
      terminal.out(terminal.json ? JSON.stringify({ token }) : token);
    });
}
