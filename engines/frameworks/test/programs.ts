import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { startChild } from '../../../packages/curfew/test/support/child.ts';
import { freePort } from '../../../packages/curfew/test/support/free-port.ts';
import { root, run } from '../../../packages/curfew/test/support/pages.ts';

const home = join(import.meta.dirname, '..');

/** An application in a framework. It attaches to the server that its environment names. */
export type Program = {
  /** Arguments of Node. */
  args: readonly string[];
  env?: Record<string, string>;
  /** Makes it, once. */
  build?: () => Promise<void>;
};

export type Running = { url: string; said: string[]; stop(): void };

const fromSource = (name: string): Program => ({
  args: ['--conditions=curfew-source', join(home, 'src', `${name}.ts`)],
});
const nest = join(home, 'nest', 'dist.mjs');

/** Every framework, and the program that the same tests run against. */
export const programs: Record<string, Program> = {
  http: fromSource('http'),
  express: fromSource('express'),
  fastify: fromSource('fastify'),
  hono: fromSource('hono'),
  h3: fromSource('h3'),
  elysia: fromSource('elysia'),
  'nestjs on Express': { args: [nest], env: { PLATFORM: 'express' }, build: buildNest },
  'nestjs on Fastify': { args: [nest], env: { PLATFORM: 'fastify' }, build: buildNest },
  sveltekit: { args: [join(home, 'sveltekit', 'build', 'index.js')], build: buildSvelteKit },
};

export const next: Program = {
  args: [join(home, 'node_modules/next/dist/bin/next'), 'start', join(home, 'next'), '--hostname', '127.0.0.1'],
  build: buildNext,
};

/** Starts a program on a free port, and waits until it listens. */
export async function start(program: Program, settings: Record<string, string>): Promise<Running> {
  const port = await freePort();
  const child = startChild([process.execPath, ...program.args], {
    env: {
      PATH: process.env['PATH'],
      NEXT_TELEMETRY_DISABLED: '1',
      HOST: '127.0.0.1',
      PORT: String(port),
      // SvelteKit, whose own check of origins takes every site for one with TLS.
      PROTOCOL_HEADER: 'x-forwarded-proto',
      ...program.env,
      ...settings,
    },
  });
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        said.push(line);
        if (/listening on|Ready in/i.test(line)) resolve();
      });
    }
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${said.join('\n')}`)));
  });
  return { url: `http://127.0.0.1:${port}`, said, stop: () => child.kill('SIGKILL') };
}

/** The built client, which the programs that are built themselves contain. */
let client: Promise<unknown> | undefined;
export function builtClient(): Promise<unknown> {
  client ??= process.env['CURFEW_TEST_BUILT'] ? Promise.resolve() : run(process.execPath, ['tools/build.ts']);
  return client;
}

/** Node.js cannot run decorators. */
let builtNest: Promise<unknown> | undefined;
async function buildNest(): Promise<void> {
  builtNest ??= build({
    entryPoints: [join(home, 'nest', 'main.ts')],
    outfile: nest,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  await Promise.all([builtClient(), builtNest]);
}

async function buildSvelteKit(): Promise<void> {
  await builtClient();
  await run('sh', ['-c', 'cd engines/frameworks/sveltekit && node ../node_modules/vite/bin/vite.js build'], onNode24());
}

async function buildNext(): Promise<void> {
  await builtClient();
  await run(process.execPath, [join(home, 'node_modules/next/dist/bin/next'), 'build', join(home, 'next')], onNode24());
}

export function onNode24(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`,
    NEXT_TELEMETRY_DISABLED: '1',
  };
}
