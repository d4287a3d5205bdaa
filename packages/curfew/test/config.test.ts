import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CurfewError } from '../src/errors.ts';
import { options, readSettings } from '../src/start/config.ts';
import { temporaryFolder } from './stores/harness.ts';
import { readPage } from './support/pages.ts';
import { runCli } from './support/process.ts';

function refused(env: Record<string, string>, flags: Parameters<typeof readSettings>[1] = {}): string {
  try {
    readSettings(env, flags);
  } catch (error) {
    assert.equal((error as CurfewError).code, 'config_invalid');
    return (error as CurfewError).message;
  }
  return assert.fail(`${JSON.stringify({ ...env, ...flags })} was accepted`);
}

/** A file with the given content. */
function file(t: TestContext, content: string): string {
  const folder = temporaryFolder();
  t.after(() => folder.remove());
  const path = join(folder.path, 'secret');
  writeFileSync(path, content);
  return path;
}

test('N8.1: the variables that Kubernetes sets for services called curfew are not settings and cause no warnings', () => {
  const { settings, warnings } = readSettings({
    CURFEW_PORT: 'tcp://10.96.12.7:2873',
    CURFEW_SERVICE_HOST: '10.96.12.7',
    CURFEW_SERVICE_PORT: '2873',
    CURFEW_SERVICE_PORT_HTTP: '2873',
    CURFEW_PORT_2873_TCP: 'tcp://10.96.12.7:2873',
    CURFEW_PORT_2873_TCP_PROTO: 'tcp',
    CURFEW_PORT_2873_TCP_PORT: '2873',
    CURFEW_PORT_2873_TCP_ADDR: '10.96.12.7',
    CURFEW_REDIS_PORT: 'tcp://10.96.12.8:6379',
    CURFEW_REDIS_SERVICE_HOST: '10.96.12.8',
  });
  assert.equal(settings.port, 2873);
  assert.deepEqual(warnings, []);
  assert.deepEqual(readSettings({ CURFEW_PROT: '1' }).warnings, ['CURFEW_PROT is not a setting and is ignored.']);
  assert.match(refused({}, { port: 'tcp//10.96.12.7' }), /CURFEW_PORT/);
});

test('N8.2: any empty variable counts as not set; an empty flag is refused', () => {
  const empty = Object.fromEntries(Object.values(options).map(({ env }) => [env, '']));
  assert.deepEqual(readSettings(empty), readSettings({}));
  for (const name of ['host', 'store', 'apiKey'] as const) {
    assert.match(refused({}, { [name]: '' }), new RegExp(`${options[name].flag} has no value`));
  }
});

test('the command line treats an empty variable as not set', async () => {
  const { err } = await runCli(['sessions', 'list', '--json'], {
    CURFEW_URL: '',
    CURFEW_TOKEN: '',
    CURFEW_API_KEY: '',
  });
  assert.match(err, /http:\/\/127\.0\.0\.1:2873/);
});

test('N8.4: an address to listen at may be in brackets; a value that is neither an address nor a name is refused', () => {
  const hosts = {
    '[::1]': '::1',
    '::': '::',
    '0.0.0.0': '0.0.0.0',
    localhost: 'localhost',
    'a-b.example': 'a-b.example',
  };
  for (const [text, host] of Object.entries(hosts))
    assert.equal(readSettings({ CURFEW_HOST: text }).settings.host, host);
  assert.deepEqual(readSettings({ CURFEW_HOST: '[::1]' }).warnings, []);
  for (const text of [
    ' ',
    '*',
    '127.0.0.1:80',
    '"127.0.0.1"',
    '300.1.1.1',
    'http://localhost',
    '[localhost]',
    '[::1]:80',
  ]) {
    assert.match(refused({ CURFEW_HOST: text }), /CURFEW_HOST: .* must be an address or the name of a host/, text);
  }
});

test('N8.3: proxies are set by hops, names of ranges, addresses and ranges; the error about anything else says what is wrong', () => {
  const read = (text: string) => readSettings({ CURFEW_TRUST_PROXY: text }).settings.trustProxy;
  assert.deepEqual(['true', 'false', '0', '2'].map(read), [true, false, false, 2]);
  assert.deepEqual(read('loopback, 10.0.0.0/8,fd00::/8, ::ffff:192.0.2.1'), [
    'loopback',
    '10.0.0.0/8',
    'fd00::/8',
    '::ffff:192.0.2.1',
  ]);
  for (const wrong of [
    'nginx',
    'yes',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '10.0.0.0/x',
    '10.0.0',
    'loopback,',
    '-1',
    '100',
  ]) {
    const told = refused({ CURFEW_TRUST_PROXY: wrong });
    assert.match(told, /CURFEW_TRUST_PROXY: .* must be/, wrong);
  }
  assert.match(refused({ CURFEW_TRUST_PROXY: '10.0.0.0/8,nginx' }), /"nginx" is none of these, .* not looked up/);
  for (const unsafe of ['true', '1', 'loopback, uniquelocal']) {
    assert.match(readSettings({ CURFEW_TRUST_PROXY: unsafe }).warnings.join(), /can claim any address/);
  }
  assert.doesNotMatch(readSettings({ CURFEW_TRUST_PROXY: 'loopback,10.0.0.7' }).warnings.join(), /CURFEW_TRUST_PROXY/);
});

test('N8.8: every secret can come from a file, and from only one place', (t) => {
  const secrets = Object.values(options).filter((option) => 'secret' in option || option.env === 'CURFEW_STORE');
  const known = new Set<string>(Object.values(options).map(({ env }) => env));
  for (const { env, ...option } of secrets) assert.ok('file' in option || known.has(`${env}_FILE`), env);
  const { settings, warnings } = readSettings({
    CURFEW_ADMIN_PASSWORD_FILE: file(t, 'correct horse battery \r\n'),
    CURFEW_STORE_FILE: file(t, 'redis://:hunter2@localhost\n'),
  });
  assert.deepEqual([settings.adminPassword, settings.store], ['correct horse battery ', 'redis://:hunter2@localhost']);
  assert.deepEqual(warnings, []);
  const path = file(t, 'one');
  assert.match(refused({ CURFEW_API_KEY: 'two', CURFEW_API_KEY_FILE: path }), /CURFEW_API_KEY_FILE are both set/);
  const both = { CURFEW_SECRET_KEY: '0'.repeat(64), CURFEW_SECRET_KEY_FILE: path };
  assert.match(refused(both), /CURFEW_SECRET_KEY_FILE are both set/);
  assert.match(refused({ CURFEW_API_KEY_FILE: `${path}x` }), /CURFEW_API_KEY_FILE: ENOENT/);
  assert.match(refused({ CURFEW_API_KEY_FILE: file(t, '\n') }), /CURFEW_API_KEY_FILE: .* is empty/);
});

test('the command line reads its key from a file', async (t) => {
  const env = { CURFEW_URL: 'http://127.0.0.1:1', CURFEW_API_KEY_FILE: file(t, ''), XDG_CONFIG_HOME: '/nowhere' };
  const { code, err } = await runCli(['sessions', 'list', '--json'], env);
  assert.equal(code, 1);
  assert.match(err, /CURFEW_API_KEY_FILE: .* is empty/);
});

test('an error about a duration gives examples that the setting accepts', () => {
  const durations = Object.values(options).filter(({ form }) => form === 'duration');
  assert.ok(durations.length > 5);
  for (const { env } of durations) {
    const [, told = ''] = /such as (.*), from/.exec(refused({ [env]: '1 fortnight' })) ?? [];
    const examples = told.split(' or ');
    assert.ok(examples.length > 0 && examples[0] !== '', env);
    for (const example of examples) assert.doesNotThrow(() => readSettings({ [env]: example }), `${env}=${example}`);
  }
});

test('the memory of a cached session is the same in the help of the setting and in docs/capacity.md', () => {
  const [, kilobytes] = /about (\d+) KB each/.exec(options.cacheSessions.help)!;
  const [, bytes] = /^\| a server's cache, in memory \| ([\d,]+) bytes \|/m.exec(readPage('docs/capacity.md'))!;
  assert.equal(Math.round(Number(bytes!.replace(',', '')) / 1000), Number(kilobytes));
});
