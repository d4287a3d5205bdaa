import { spawnSync } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, matchesGlob, relative } from 'node:path';
import { root } from '../../../packages/curfew/test/support/pages.ts';

/*
 * Follows a Dockerfile without Docker, as far as ours needs it: the steps run on this machine, and every path of the
 * image is below a folder. Two things are not repeated: `npm ci` at the root of the repository and the build. Tests run
 * after both, so their results are copied.
 */

export type Image = {
  /** The folder that holds the image's files. */
  root: string;
  env: Record<string, string>;
  user: string;
  folder: string;
  command: string[];
  healthCheck: string[];
  volumes: string[];
};

type Stage = Image & { entry: string[]; args: string[] };

/** What the image of a `FROM` holds: `undefined` for one whose steps use this machine's programs. */
export type Base = (image: string, root: string) => void;

export function assembleImage(path: string, folder: string, provide: Base): Image {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const [instruction, rest] of stepsOf(readFileSync(join(root, path), 'utf8'))) {
    if (instruction === 'FROM') {
      const [, image, name = 'last'] = /^(\S+)(?: AS (\S+))?$/.exec(rest)!;
      stage = {
        root: join(folder, name),
        env: {},
        user: '0:0',
        folder: '/',
        entry: [],
        args: [],
        command: [],
        healthCheck: [],
        volumes: [],
      };
      mkdirSync(stage.root, { recursive: true });
      provide(image!, stage.root);
      stages.set(name, stage);
    } else apply(stage!, instruction, rest, { stages, ignored: readIgnored(`${path}.dockerignore`) });
  }
  return { ...stage!, command: [...stage!.entry, ...stage!.args] };
}

/** The steps of a Dockerfile: an instruction and what follows it. */
export function stepsOf(text: string): [instruction: string, rest: string][] {
  const lines = text.replaceAll(/\\\n/g, ' ').split('\n');
  return lines
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line)!;
      return [instruction!, rest!];
    });
}

type Around = { stages: ReadonlyMap<string, Stage>; ignored: readonly string[] };

function apply(stage: Stage, instruction: string, rest: string, around: Around): void {
  switch (instruction) {
    case 'WORKDIR':
      stage.folder = rest;
      mkdirSync(join(stage.root, rest), { recursive: true });
      break;
    case 'COPY':
      copy(stage, rest, around);
      break;
    case 'RUN':
      run(stage, rest);
      break;
    case 'ENV': {
      const [, name, value] = /^(\w+)=(\S+)$/.exec(rest)!;
      stage.env[name!] = value!;
      break;
    }
    case 'USER':
      stage.user = rest;
      break;
    case 'VOLUME':
      stage.volumes.push(rest);
      break;
    case 'ENTRYPOINT':
      stage.entry = JSON.parse(rest);
      break;
    case 'CMD':
      stage.args = JSON.parse(rest);
      break;
    case 'HEALTHCHECK':
      stage.healthCheck = JSON.parse(rest.slice(rest.indexOf('CMD ') + 'CMD '.length));
      break;
    case 'EXPOSE':
      break;
    default:
      throw new Error(`${instruction} is not understood here`);
  }
}

function copy(stage: Stage, rest: string, { stages, ignored }: Around): void {
  const words = rest.split(/\s+/);
  const option = (name: string) => words.find((word) => word.startsWith(`--${name}=`))?.split('=')[1];
  const [from, to] = words.filter((word) => !word.startsWith('--'));
  const target = join(stage.root, to!.startsWith('/') ? to! : join(stage.folder, to!));
  const source = option('from');
  if (source !== undefined)
    cpSync(join(stages.get(source)!.root, from!), target, { recursive: true, verbatimSymlinks: true });
  else {
    for (const file of contextFiles(ignored)) cpSync(join(root, file), join(target, file), { verbatimSymlinks: true });
  }
  const owner = option('chown');
  if (owner === undefined) return;
  const [uid, gid] = owner.split(':').map(Number);
  for (const file of ['', ...globSync('**', { cwd: target })]) chownSync(join(target, file), uid!, gid!);
}

/** What Docker would send as the context: the files that are under version control, or new, and not ignored. */
function contextFiles(ignored: readonly string[]): string[] {
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root });
  const files = listed.stdout.toString().split('\0').filter(Boolean);
  return files.filter((file) => existsSync(join(root, file)) && !isIgnored(file, ignored));
}

/** Whether Docker leaves a file out of the context, by the patterns of the `.dockerignore`. */
export function isIgnored(file: string, ignored: readonly string[]): boolean {
  for (let path = file; path !== '.'; path = dirname(path)) {
    if (ignored.some((pattern) => matchesGlob(path, pattern))) return true;
  }
  return false;
}

/** The patterns of a `.dockerignore`. */
export function readIgnored(path: string): string[] {
  return readFileSync(join(root, path), 'utf8').split('\n').filter(Boolean);
}

/** An absolute path in a command is one of the image. */
function run(stage: Stage, command: string): void {
  const cwd = join(stage.root, stage.folder);
  if (command.startsWith('npm ci')) {
    linkModules(cwd);
    return;
  }
  if (command === 'node tools/build.ts') {
    for (const built of globSync('packages/*/dist', { cwd: root })) {
      cpSync(join(root, built), join(cwd, built), { recursive: true });
    }
    return;
  }
  const here = command.replaceAll(/(?<=\s)\/\S+/g, (path) => join(stage.root, path));
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', here], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
}

/** What `npm ci` has installed for the repository. */
function linkModules(cwd: string): void {
  const [from, to] = [join(root, 'node_modules'), join(cwd, 'node_modules')];
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = join(from, entry.name);
    // The repository's own packages are links, which lead to the copies.
    symlinkSync(entry.isSymbolicLink() ? readlinkSync(path) : relative(to, path), join(to, entry.name));
  }
}
