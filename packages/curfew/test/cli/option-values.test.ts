import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { CurfewApiError } from 'curfew-client';
import { address, choice, pageSize, seconds } from '../../src/cli/option-values.ts';
import { inOptions, remedyOf } from '../../src/cli/words.ts';

function told(...args: string[]): string {
  const program = new Command()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .addOption(pageSize('things'))
    .addOption(choice('--status <status>', 'in a state', ['active', 'ended']))
    .option('--ip <address>', 'from an address', address);
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    assert.ok(error instanceof CommanderError);
    assert.notEqual(error.exitCode, 0);
    return error.message;
  }
  return JSON.stringify(program.opts());
}

test('a wrong value of an option is refused before any request, and the error names both', () => {
  assert.equal(told('-n', '100', '--status', 'ended'), '{"limit":100,"status":"ended"}');
  for (const wrong of ['0', '101', '1.5', 'many', '-1', '1e1', '']) {
    assert.ok(told('--limit', wrong).includes(`option '-n, --limit <number>' argument '${wrong}' is invalid`), wrong);
  }
  assert.match(
    told('--status', 'gone'),
    /option '--status <status>' argument 'gone' is invalid\. Allowed choices are active, ended/,
  );
  assert.match(told('--ip', '1.2.3'), /option '--ip <address>' argument '1\.2\.3' is invalid/);
  assert.equal(seconds('1.5'), 1500);
  for (const wrong of ['0', '-1', 'soon', 'Infinity', '86401'])
    assert.throws(() => seconds(wrong), InvalidArgumentError);
});

test('server errors name options instead of fields, with a remedy for the command line', () => {
  assert.equal(inOptions('/body/userId must not be empty.'), '<user> must not be empty.');
  assert.equal(inOptions('/querystring/filter is too long.'), '--filter is too long.');
  assert.equal(inOptions('/querystring/unheard is not known.'), '/querystring/unheard is not known.');
  const error = (code: CurfewApiError['code']) => new CurfewApiError(code, 'x', { remedy: 'Send a header.' });
  assert.match(remedyOf(error('second_factor_required')), /--code/);
  assert.match(remedyOf(error('authentication_required')), /curfew login/);
  assert.equal(remedyOf(error('session_not_found')), 'Send a header.');
});
