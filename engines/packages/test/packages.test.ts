import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { root, run } from '../../../packages/curfew/test/support/pages.ts';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';

type Manifest = {
  name: string;
  exports?: Record<string, unknown>;
  dependencies?: Record<string, string>;
  n8n?: { nodes: string[]; credentials: string[] };
  'node-red'?: { nodes: Record<string, string> };
};

const folders = ['client', 'curfew', 'n8n-nodes-curfew', 'n8n-nodes-log-out', 'node-red-curfew'];
const manifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'));

/** n8n’s own part, which its nodes expect. */
const n8n = join(root, 'engines/n8n/node_modules/n8n-workflow');

/** The entries of a package, as an application names them. */
const entriesOf = ({ name, exports = {} }: Manifest): string[] =>
  Object.keys(exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => join(name, entry));

/** What an application in TypeScript does with every entry of the client. */
const application = `
import { CurfewApiError, createClient, type Session } from 'curfew-client';
import { elysiaSessions } from 'curfew-client/elysia';
import { expressSessions } from 'curfew-client/express';
import { curfewStore } from 'curfew-client/express-session';
import { fastifySessions } from 'curfew-client/fastify';
import { Lease } from 'curfew-client/fence';
import { h3Sessions } from 'curfew-client/h3';
import { honoSessions, type SessionVariables } from 'curfew-client/hono';
import { httpSessions } from 'curfew-client/http';
import { nestSessions } from 'curfew-client/nestjs';
import { nextSessions } from 'curfew-client/next';
import { fencePath } from 'curfew-client/protocol';
import { type Found, remoteVerifier, Sessions } from 'curfew-client/request';
import { svelteKitSessions } from 'curfew-client/sveltekit';
import { createVerifier, type Verification } from 'curfew-client/verifier';

declare global {
  namespace Curfew {
    interface Metadata {
      plan: 'free' | 'paid';
    }
  }
}

async function main(url: string, key: string): Promise<void> {
  const client = createClient({ url, token: key });
  const verifier = createVerifier({ url, key });
  const sessions = new Sessions(verifier, { client });
  const request = new Request('http://shop.example/');
  const { session, cookies }: { session: Session; cookies: readonly { value: string }[] } = await sessions.signIn(
    request,
    { userId: 'ada', metadata: { plan: 'paid' } },
  );
  // @ts-expect-error: the application requires its metadata
  void (() => sessions.signIn(request, { userId: 'ada' }));
  // @ts-expect-error: and knows what it may contain
  void (() => sessions.signIn(request, { userId: 'ada', metadata: { plan: 'gold' } }));
  const verdict: Verification = await verifier.verify(cookies[0]!.value);
  if (!verdict.active || verdict.session.id !== session.id) throw new Error('not verified');
  const found: Found = await sessions.verifyRequest({ headers: { authorization: 'Bearer ' + cookies[0]!.value } });
  if (!('session' in found)) throw new Error('not found');
  const plan: 'free' | 'paid' = found.session.metadata.plan;
  const variables: SessionVariables = { curfewSession: found.session };
  class HttpException extends Error {
    constructor(body: Record<string, unknown>, status: number) {
      super(JSON.stringify([body, status]));
    }
  }
  const none = async (): Promise<never> => {
    throw new Error('not called');
  };
  const makers = [
    elysiaSessions(verifier), expressSessions(verifier), fastifySessions(verifier), h3Sessions(verifier),
    honoSessions(verifier), httpSessions(verifier), svelteKitSessions(verifier),
    nestSessions(verifier, { HttpException }),
    nextSessions(verifier, { headers: none, cookies: none }).read,
    remoteVerifier(client).verify,
    curfewStore({ Store: class {} }, { verifier, client }).get,
  ];
  if (!makers.every((made) => typeof made === 'function')) throw new Error('an adapter is missing');
  const error: unknown = await createClient({ url }).me().catch((thrown: unknown) => thrown);
  const code = error instanceof CurfewApiError ? error.code : undefined;
  verifier.close();
  console.log(plan, variables.curfewSession.userId, code, typeof Lease, fencePath);
}

void main(process.argv[2]!, process.argv[3]!);
`;
const done = 'paid ada authentication_required function /v1/fence\n';

/** The compilers that applications use: the current one, and the last one that was written in JavaScript. */
const compilers = {
  'TypeScript 7': join(root, 'node_modules/typescript/bin/tsc'),
  'TypeScript 5': join(root, 'engines/packages/node_modules/typescript/bin/tsc'),
};
const resolutions = {
  node16: { module: 'node16', moduleResolution: 'node16' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

describe('the packages as they are published, in an empty folder', () => {
  let folder: string;
  let tarballs: Map<string, string>;
  before(async () => {
    if (!process.env['CURFEW_TEST_BUILT']) await run(process.execPath, ['tools/build.ts']);
    folder = mkdtempSync(join(tmpdir(), 'curfew-packages-'));
    const packed = join(folder, 'packed');
    mkdirSync(packed);
    await run('npm', [
      'pack',
      '--silent',
      '--pack-destination',
      packed,
      ...folders.map((name) => `./packages/${name}`),
    ]);
    tarballs = new Map(folders.map((name) => [name, tarballOf(packed, manifest(name).name)]));
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    // Nothing is fetched: these depend on nothing, but for n8n, which brings its own part along.
    const alone = folders.filter((name) => name !== 'curfew').map((name) => tarballs.get(name)!);
    const quiet = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', ['install', '--prefix', folder, ...quiet, ...alone]);
    const server = join(folder, 'node_modules/curfew');
    mkdirSync(server);
    await run('tar', ['-xzf', tarballs.get('curfew')!, '-C', server, '--strip-components=1']);
    for (const name of Object.keys(manifest('curfew').dependencies!)) {
      if (name !== 'curfew-client') link(join(root, 'node_modules', name), name);
    }
    link(join(root, 'node_modules/@types/node'), '@types/node');
    if (existsSync(n8n)) link(n8n, 'n8n-workflow');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function link(target: string, name: string): void {
    const path = join(folder, 'node_modules', name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
  }

  /** Runs a script in the folder, and returns what it prints, as JSON. */
  async function script(name: string, text: string): Promise<unknown> {
    writeFileSync(join(folder, name), text);
    return JSON.parse(await run(process.execPath, [join(folder, name)]));
  }

  for (const name of ['client', 'curfew']) {
    test(`${name}: every entry can be imported, and required, with the same exports`, async () => {
      // React comes with the application.
      const entries = JSON.stringify(entriesOf(manifest(name)).filter((entry) => !entry.endsWith('-react')));
      const imported = await script(
        'import.mjs',
        `const found = {};
        for (const entry of ${entries}) found[entry] = Object.keys(await import(entry)).sort();
        console.log(JSON.stringify(found));`,
      );
      const required = await script(
        'require.cjs',
        `const found = {};
        const names = (module) => Object.keys(module).filter((one) => one !== '__esModule').sort();
        for (const entry of ${entries}) found[entry] = names(require(entry));
        console.log(JSON.stringify(found));`,
      );
      const exported = imported as Record<string, string[]>;
      for (const [entry, exports] of Object.entries(exported)) {
        // A bundler’s name for what \`require\` returned.
        exported[entry] = exports.filter(
          (one) => one !== 'default' && one !== 'module.exports' && one !== '__esModule',
        );
        assert.ok(exported[entry].length > 0, `${entry} exports nothing`);
      }
      assert.deepEqual(required, exported);
    });
  }

  const skip = existsSync(n8n) ? false : 'n8n is not installed';
  test('the nodes for n8n and Node-RED can be imported and required', { skip }, async () => {
    const files = folders.map(manifest).flatMap(({ name, n8n: listed, 'node-red': red }) => {
      const paths = [...(listed?.nodes ?? []), ...(listed?.credentials ?? []), ...Object.values(red?.nodes ?? {})];
      return paths.map((path) => `${name}/${path}`);
    });
    const list = JSON.stringify(files);
    assert.ok(files.length > folders.length, String(files));
    const kinds = files.map(() => 'object');
    const imported = `const kinds = [];
      for (const file of ${list}) kinds.push(typeof (await import(file)).default);
      console.log(JSON.stringify(kinds));`;
    assert.deepEqual(await script('nodes.mjs', imported), kinds);
    const required = `console.log(JSON.stringify(${list}.map((file) => typeof require(file))));`;
    assert.deepEqual(await script('nodes.cjs', required), kinds);
  });

  describe('curfew-client in TypeScript', () => {
    let server: TestServer;
    before(async () => {
      server = await TestServer.start();
    });
    after(() => server.close());

    for (const [compiler, tsc] of Object.entries(compilers)) {
      for (const [resolution, options] of Object.entries(resolutions)) {
        for (const format of ['module', 'commonjs']) {
          test(`${compiler}, ${resolution}, in a package of type ${format}: it compiles, and runs`, async () => {
            const place = join(folder, `${resolution}-${format}`.replaceAll(' ', ''));
            mkdirSync(place, { recursive: true });
            writeFileSync(join(place, 'package.json'), JSON.stringify({ type: format }));
            writeFileSync(join(place, 'application.ts'), application);
            // The newer compiler also checks the declarations of the package itself.
            const skipLibCheck = compiler !== 'TypeScript 7';
            const compilerOptions = {
              ...options,
              target: 'es2022',
              strict: true,
              types: ['node'],
              lib: ['es2024'],
              skipLibCheck,
            };
            const tsconfig = { compilerOptions, files: ['application.ts'] };
            writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(tsconfig));
            await run(process.execPath, [tsc, '--project', place]);
            // With `bundler` and type `commonjs`, a bundler would make of it what Node.js can run.
            if (resolution === 'bundler' && format === 'commonjs') return;
            assert.equal(await run(process.execPath, [join(place, 'application.js'), server.url, server.key]), done);
          });
        }
      }
    }
  });

  test('the types are right in every resolution', async () => {
    for (const name of ['client', 'curfew']) {
      const data = new Uint8Array(readFileSync(tarballs.get(name)!));
      const analysis = await checkPackage(createPackageFromTarballData(data));
      assert.ok(analysis.types, `${name} has no types`);
      const problems = 'problems' in analysis ? analysis.problems : [];
      // The server is an ES module. Node.js 24, which it needs, can require one; `node10` cannot find its types. What is
      // for pages is one too: a bundler reads it.
      const known = problems.filter(
        (one) =>
          (name === 'curfew' || ('entrypoint' in one && one.entrypoint.startsWith('./devices'))) &&
          (one.kind === 'CJSResolvesToESM' || one.kind === 'NoResolution'),
      );
      assert.deepEqual(
        problems.filter((one) => !known.includes(one)),
        [],
        name,
      );
    }
  });
});

function tarballOf(packed: string, name: string): string {
  const start = name.replace('@', '').replace('/', '-');
  const found = readdirSync(packed).find((file) => new RegExp(`^${start}-\\d`).test(file));
  assert.ok(found, `${name} was not packed`);
  return join(packed, found);
}
