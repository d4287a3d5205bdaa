import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '../stores/harness.ts';
import { freePort } from './free-port.ts';

export const nginxIsInstalled: boolean = spawnSync('nginx', ['-v']).status === 0;

/** A real nginx with its defaults: at `/` it passes paths on unchanged; at `/curfew/` it strips that prefix. */
export class Nginx {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: ReturnType<typeof temporaryFolder>;

  private constructor(url: string, child: ChildProcess, folder: ReturnType<typeof temporaryFolder>) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  static before(target: string): Promise<Nginx> {
    const forwarded = 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header Host $host;';
    return Nginx.start(
      (port) => `server {
        listen 127.0.0.1:${port};
        location / { proxy_pass ${target}; ${forwarded} }
        location /curfew/ { proxy_pass ${target}/; ${forwarded} }
      }`,
    );
  }

  /** `inside`: the configuration of HTTP, of a server on this port. */
  static async start(inside: (port: number) => string, scheme = 'http'): Promise<Nginx> {
    const folder = temporaryFolder();
    const port = await freePort();
    const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${folder.path}/${kind};`,
    );
    const config = join(folder.path, 'nginx.conf');
    writeFileSync(
      config,
      `daemon off; master_process off; pid ${folder.path}/pid; error_log stderr; events {}
       http {
         access_log off; ${own.join(' ')}
         ${inside(port)}
       }`,
    );
    const child = spawn('nginx', ['-p', folder.path, '-c', config, '-e', 'stderr'], { stdio: 'ignore' });
    const url = `${scheme}://127.0.0.1:${port}`;
    while (!(await fetch(url, { redirect: 'manual' }).catch(() => undefined))) {
      if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
      await setTimeout(20);
    }
    return new Nginx(url, child, folder);
  }

  async remove(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
    this.#folder.remove();
  }
}
