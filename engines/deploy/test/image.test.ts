import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'curfew-client';
import { parse } from 'yaml';
import { makeKey } from '../../../packages/curfew/src/authority/keys.ts';
import { freePort } from '../../../packages/curfew/test/support/free-port.ts';
import { root } from '../../../packages/curfew/test/support/pages.ts';
import { assembleImage, type Image, isIgnored, readIgnored, stepsOf } from './dockerfile.ts';

const nonroot = '65532:65532';
/** Only root can mount, and change to another root and another user. */
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0 && process.getuid?.() === 0;

/** What distroless has for programs in C and C++: of libc6, libgcc-s1 and libstdc++6. */
const libraries = [
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'librt.so.1',
  'libstdc++.so.6',
];

/** Stands in for distroless Node.js: this Node.js, its libraries, and the folders that Docker mounts. */
function distroless(image: string, folder: string): void {
  if (image.includes('/node:')) return;
  assert.match(image, /^gcr\.io\/distroless\/nodejs24-debian13:nonroot$/);
  for (const name of ['nodejs/bin', 'etc', 'proc', 'dev', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(process.execPath, join(folder, 'nodejs/bin/node'));
  const { stdout } = spawnSync('ldd', [process.execPath], { encoding: 'utf8' });
  const libc = /\/\S+\/libc\.so\.6/.exec(stdout)![0];
  const loader = /\/\S+\/ld-linux\S+/.exec(stdout)![0];
  for (const path of [loader, ...libraries.map((name) => join(dirname(libc), name))]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(path, join(folder, path));
  }
  writeFileSync(join(folder, 'etc/passwd'), 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n');
}

test('no file with secrets is sent to the build, wherever the instructions say that it is made', () => {
  const ignored = readIgnored('deploy/Dockerfile.dockerignore');
  const compose = parse(readFileSync(join(root, 'deploy/compose.nodes.yaml'), 'utf8'), { merge: true });
  const secrets = Object.values<{ file: string }>(compose.secrets).map(({ file }) => join('deploy', file));
  assert.ok(secrets.length > 0);
  for (const file of [
    ...secrets,
    '.env',
    'deploy/.env',
    'deploy/.env.local',
    'deploy/curfew.env',
    'examples/express/.env',
    'curfew-data/secret.key',
    'deploy/curfew-data/secret.key',
  ]) {
    assert.ok(isIgnored(file, ignored), file);
  }
  for (const file of ['deploy/assemble.sh', 'packages/curfew/src/start/config.ts', 'package-lock.json']) {
    assert.ok(!isIgnored(file, ignored), file);
  }
});

test('the image does not run as root, and needs no shell', () => {
  const steps = stepsOf(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8'));
  const last = steps.slice(steps.findLastIndex(([instruction]) => instruction === 'FROM'));
  assert.deepEqual(
    last.filter(([instruction]) => instruction === 'USER'),
    [['USER', nonroot]],
  );
  assert.ok(!last.some(([instruction]) => instruction === 'RUN'));
  for (const [instruction, rest] of last.filter(([one]) => ['ENTRYPOINT', 'CMD', 'HEALTHCHECK'].includes(one))) {
    const form = instruction === 'HEALTHCHECK' ? rest.slice(rest.indexOf('CMD ') + 'CMD '.length) : rest;
    assert.ok(Array.isArray(JSON.parse(form)), `${instruction} is not in the exec form`);
  }
});

describe('the image, assembled as its Dockerfile says and run without Docker', { timeout: 900_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-image-'));
  const volume = join(folder, 'volume');
  let image: Image;
  before(() => {
    image = assembleImage('deploy/Dockerfile', folder, distroless);
    // A new volume begins as what the image has there, with its owner.
    spawnSync('cp', ['-a', join(image.root, image.volumes[0]!), volume]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a command as a container would: in the image's files, which are read-only, with its user and variables. */
  const runInside = (command: readonly string[], env: Record<string, string>): ChildProcess => {
    const mounts = [
      'mount --bind "$IMAGE" "$IMAGE"',
      'mount --bind "$VOLUME" "$IMAGE/data"',
      'mount --rbind /dev "$IMAGE/dev"',
      'mount -t proc proc "$IMAGE/proc"',
      'mount -o remount,bind,ro "$IMAGE"',
    ];
    const [uid, gid] = image.user.split(':');
    const inside = `exec setpriv --no-new-privs unshare --root="$IMAGE" --wd=${image.folder} --setgid=${gid} --setuid=${uid} "$@"`;
    const script = [...mounts, inside].join('\n');
    return spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh', ...command], {
      env: { PATH: process.env['PATH'], IMAGE: image.root, VOLUME: volume, ...image.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };

  test('has the server with the versions of the lock file, and nothing else', () => {
    const app = join(image.root, 'opt/curfew');
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
    const installed = globSync('node_modules/{*,@*/*}/package.json', { cwd: app });
    assert.ok(installed.length > 30, `${installed.length}`);
    for (const path of installed) {
      const { name, version } = JSON.parse(readFileSync(join(app, path), 'utf8'));
      const locked = packages[`node_modules/${name}`];
      if (!locked.link) assert.equal(version, locked.version, name);
      assert.ok(!locked.dev, `${name} is only for development`);
    }
    assert.deepEqual(globSync('packages/*', { cwd: app }).sort(), ['packages/client', 'packages/curfew']);
    for (const left of ['packages/curfew/src', 'packages/curfew/test', 'node_modules/typescript', '.git']) {
      assert.ok(!existsSync(join(app, left)), left);
    }
    assert.deepEqual([statSync(volume).uid, statSync(volume).gid].join(':'), nonroot);
  });

  test('starts on a read-only root without being root, is healthy, and serves sessions', {
    skip: !mayMount && 'mounting needs root',
  }, async (t) => {
    const port = String(await freePort());
    const key = makeKey(Date.now(), randomBytes);
    const env = { CURFEW_PORT: port, CURFEW_API_KEY: key, CURFEW_ADMIN_PASSWORD: 'correct horse battery' };
    const health = async () => {
      const [code] = await once(runInside(image.healthCheck, { CURFEW_PORT: port }), 'exit');
      return code as number;
    };
    assert.equal(await health(), 1, 'before it runs');
    const server = runInside(image.command, env);
    t.after(() => server.kill('SIGKILL'));
    let told = '';
    server.stderr!.on('data', (chunk) => {
      told += chunk;
    });
    const listening = (async () => {
      for await (const line of createInterface(server.stdout!)) if (line.includes('"listening"')) return;
      throw new Error(told);
    })();
    await listening;
    server.stdout!.resume();
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
    assert.match(status, /^Uid:\t65532\t65532\t65532\t65532$/m);
    assert.match(status, /^Gid:\t65532\t65532\t65532\t65532$/m);
    assert.match(status, /^NoNewPrivs:\t1$/m);
    const mounted = readFileSync(`/proc/${server.pid}/mountinfo`, 'utf8').split('\n');
    assert.ok(
      mounted.some((line) => / \/ ro[ ,]/.test(line)),
      'its root can be written to',
    );
    assert.equal(await health(), 0);
    const client = createClient({ url: `http://127.0.0.1:${port}`, token: key });
    const { token, session } = await client.createSession({ userId: 'ada' });
    assert.equal((await client.verifySession({ token })).active, true);
    assert.equal((await client.endSession({ id: session.id })).receipt.everywhere, true);
    assert.equal((await client.verifySession({ token })).active, false);
    assert.ok(existsSync(join(volume, 'curfew-data/data.mdb')), 'its data is not in the volume');
    const gone = once(server, 'exit');
    server.kill('SIGTERM');
    assert.deepEqual(await gone, [0, null]);
    assert.equal(await health(), 1, 'after it has stopped');
  });
});
