import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CurfewError } from '../errors.ts';

/*
 * The web console: files that are built once (packages/console) and served from memory. It is a client of the API like
 * any other; nothing here knows what it shows.
 */

/** Where the build puts them; the same place from the sources and from `dist`. */
const folder = fileURLToPath(new URL('../../dist/console/', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Only the server's own files and its own API; no script can be written into the page, not even by the page. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const everyFile = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
} as const;

type File = {
  type: string;
  bytes: Buffer;
  brotli: Buffer | undefined;
  etag: string;
  /** Its name contains a hash of its content. */
  immutable: boolean;
};

/** Serves the console at `/console/`. Its links are relative, so that it also works under a path of a proxy's own. */
export function addConsole(app: FastifyInstance): void {
  let reading: Promise<Map<string, File>> | undefined;
  const hidden = { schema: { hide: true } };
  app.get('/console', hidden, async (_request, reply) => reply.redirect('console/'));
  app.get('/console/*', hidden, async (request, reply) => {
    reading ??= readFiles(folder);
    const files = await reading;
    const name = (request.params as { '*': string })['*'] || 'index.html';
    const file = files.get(name);
    if (file) return answer(file, request, reply);
    const why = files.size === 0 ? ': the console has not been built (`npm run build`)' : '';
    throw new CurfewError('route_not_found', { detail: `${request.method} /console/${name}${why}` });
  });
}

function answer(file: File, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.headers(everyFile).header('vary', 'accept-encoding').header('etag', file.etag);
  // The page itself is asked for again each time, because it names the files of the current version.
  reply.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (request.headers['if-none-match'] === file.etag) return reply.status(304).send();
  reply.type(file.type);
  if (!file.brotli || !acceptsBrotli(request)) return reply.send(file.bytes);
  return reply.header('content-encoding', 'br').send(file.brotli);
}

function acceptsBrotli({ headers }: FastifyRequest): boolean {
  const accepted = String(headers['accept-encoding'] ?? '').split(',');
  return accepted.some((one) => /^\s*br\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(one));
}

/** Every file by its path; none if the console was not built. */
async function readFiles(from: string): Promise<Map<string, File>> {
  const files = new Map<string, File>();
  const entries = await readdir(from, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const all = new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const)));
  for (const [path, bytes] of all) {
    const type = types[extname(path)];
    if (type === undefined) continue;
    const name = relative(from, path).split(sep).join('/');
    files.set(name, {
      type,
      bytes,
      brotli: all.get(`${path}.br`),
      etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
      immutable: name.startsWith('assets/'),
    });
  }
  return files;
}
