import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root, run } from '../../curfew/test/support/pages.ts';
import { TestServer } from '../../curfew/test/support/server.ts';

/** An application in TypeScript that is compiled to CommonJS. */
const application = `
import { type Session, CurfewApiError, createClient, pages } from 'curfew-client';
import { expressSessions } from 'curfew-client/express';
import { httpSessions } from 'curfew-client/http';
import { type Verification, createVerifier } from 'curfew-client/verifier';

async function main(url: string, key: string): Promise<void> {
  const curfew = createClient({ url, token: key });
  const { session, token } = await curfew.createSession({ userId: 'ada' });
  const typed: Session = session;
  const verifier = createVerifier({ url, key });
  const verdict: Verification = await verifier.verify(token);
  if (!verdict.active || verdict.session.id !== typed.id) throw new Error('not verified');
  let found = 0;
  for await (const { sessions } of pages(curfew.listSessions, { user: 'ada', status: 'active' })) found += sessions.length;
  const error: unknown = await createClient({ url }).me().catch((thrown: unknown) => thrown);
  const code = error instanceof CurfewApiError ? error.code : undefined;
  verifier.close();
  console.log(typeof require, found, code, typeof expressSessions(verifier)(), typeof httpSessions(verifier));
}

void main(process.argv[2]!, process.argv[3]!);
`;

/** The compilers that applications use: the current one, and the last one that was written in JavaScript. */
const compilers: [name: string, compiler: string, modules: string[]][] = [
  ['TypeScript 7', join(root, 'node_modules/typescript'), ['commonjs', 'node16', 'nodenext']],
  ['TypeScript 5', join(root, 'engines/n8n-lint/node_modules/typescript'), ['commonjs']],
];

describe('the client in CommonJS', () => {
  let server: TestServer;
  let folder: string;
  before(async () => {
    if (!process.env['CURFEW_TEST_BUILT']) await run(process.execPath, ['tools/build.ts']);
    server = await TestServer.start();
    folder = mkdtempSync(join(tmpdir(), 'curfew-commonjs-'));
    mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
    symlinkSync(join(root, 'packages/client'), join(folder, 'node_modules/curfew-client'));
    symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
    writeFileSync(join(folder, 'application.ts'), application);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  });

  for (const [name, compiler, modules] of compilers) {
    for (const module of modules) {
      const skip = existsSync(compiler) ? false : `${name} is not installed`;
      test(`N7.7: ${name}, module ${module}: it can be required and has its types`, { skip }, async () => {
        const compilerOptions = {
          module,
          target: 'es2022',
          strict: true,
          skipLibCheck: compiler !== compilers[0]?.[1],
          types: ['node'],
        };
        writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['application.ts'] }));
        await run(process.execPath, [join(compiler, 'bin/tsc'), '--project', folder]);
        const printed = await run(process.execPath, [join(folder, 'application.js'), server.url, server.key]);
        assert.equal(printed, 'function 1 authentication_required function function\n');
        await server.call('DELETE', '/v1/users/ada/sessions');
        rmSync(join(folder, 'application.js'));
      });
    }
  }
});
