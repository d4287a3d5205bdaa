import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { adminPassword, TestServer } from '../support/server.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = (language: string, text: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!);
const section = (title: string) => readme.split(`## ${title}\n`)[1]!.split(/^## /m)[0]!;

/** Runs a program to its end; answers what it printed. */
async function run(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, out + err);
  return out;
}

test('the README’s session at the terminal works as it is written', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  // Every line is the README's own; each expectation becomes the mark by which the output before it is found.
  const expected: string[] = [];
  const lines = blocks('sh', section('Try it'))
    .join('\n')
    .split('\n')
    .map((line) => {
      const [, wanted] = /^# → (.*)$/.exec(line) ?? [];
      if (wanted === undefined) return line;
      expected.push(wanted);
      return `printf '\\n=%s=\\n' ${expected.length}`;
    });
  const given = { URL: server.url, KEY: server.key, PASSWORD: adminPassword };
  const script = lines.map((line) => {
    const [, name] = /^(URL|KEY|PASSWORD)=/.exec(line) ?? [];
    return name ? `${name}='${given[name as keyof typeof given]}'` : line;
  });
  const path = [join(root, 'node_modules', '.bin'), process.env['PATH']].join(':');
  const out = await run('bash', ['-euc', script.join('\n')], { ...process.env, PATH: path });
  assert.ok(expected.length >= 10, 'the README shows the five refusals, and more');
  let rest = out;
  for (const [i, wanted] of expected.entries()) {
    const [before, after] = rest.split(`\n=${i + 1}=\n`);
    assert.ok(before?.includes(wanted), `expected ${wanted}, got ${before}`);
    rest = after ?? '';
  }
});

test('the README’s library and client examples run', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const [library, client] = blocks('ts', section('As a library'));
  const folder = mkdtempSync(join(root, 'packages/curfew/test/.example-'));
  const data = mkdtempSync(join(tmpdir(), 'curfew-'));
  t.after(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(data, { recursive: true, force: true });
  });
  writeFileSync(join(folder, 'library.ts'), library!.replace('./curfew-data', data));
  writeFileSync(join(folder, 'client.ts'), client!.replace('http://127.0.0.1:2873', server.url));
  const node = (name: string) =>
    run(process.execPath, ['--conditions=curfew-source', join(folder, name)], {
      ...process.env,
      CURFEW_API_KEY: server.key,
    });
  assert.equal(await node('library.ts'), "[ 'staff' ]\ntrue { active: false, reason: 'ended_by_admin' }\n");
  await node('client.ts');
  assert.equal((await server.call('GET', '/v1/sessions?user=ada&status=ended')).body.sessions.length, 1);
});
