import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { curfewNode } from '../engines/n8n/test/support/curfew-node.ts';
import { N8n, node, type Saved, source, wires } from '../engines/n8n/test/support/n8n.ts';
import { makeKey } from '../packages/curfew/src/authority/keys.ts';
import { startCurfew } from './http.ts';
import { atMost, duel, type Row, timeOf, times } from './measure.ts';
import { temporaryBenchFolder } from './setup.ts';

type NodeType = NonNullable<Parameters<typeof N8n.load>[1]>[string];
type Json = Parameters<typeof node>[2];

const rounds = 7;
const items = Number(process.env['BENCH_ITEMS'] ?? 1000);
const baseVersion = '2.41.1';
const cache = join(homedir(), '.cache', 'curfew-bench');

/** A run of a workflow in n8n's runner: the Curfew node against n8n's own HTTP Request node, with the same requests. */
export async function n8nRows(say: (text: string) => void): Promise<Row[]> {
  const folder = temporaryBenchFolder();
  const key = makeKey(Date.now(), randomBytes);
  const { child, url } = await startCurfew({
    CURFEW_STORE: `lmdb:${join(folder.path, 'data')}`,
    CURFEW_API_KEY: key,
    CURFEW_LOG_LEVEL: 'silent',
  });
  try {
    const n8n = await N8n.load(undefined, { 'n8n-nodes-base.httpRequest': httpRequestNode(say) });
    n8n.keep('key', { url, apiKey: key });
    const users = Array.from({ length: items }, (_, i) => ({ user: `user ${i}` }));
    const http = node(
      'HTTP Request',
      'n8n-nodes-base.httpRequest',
      {
        ...{ method: 'POST', url: `${url}/v1/sessions`, authentication: 'none', options: {} },
        ...{ sendHeaders: true, headerParameters: { parameters: [{ name: 'authorization', value: `Bearer ${key}` }] } },
        ...{ sendBody: true, bodyParameters: { parameters: [{ name: 'userId', value: '={{ $json.user }}' }] } },
      } as Json,
      { typeVersion: 4.2 },
    );
    const timeIn = async (own: typeof http) => {
      const saved: Saved = { nodes: [source(users), own], connections: wires(['Start', 0, own.name, 0]) };
      let put: Json[] = [];
      const took = await timeOf(async () => {
        const ran = await n8n.run(saved);
        if (ran.error) throw ran.error;
        put = ran.json(own.name);
      });
      const opened = put.filter(
        ({ userId, session }, i) => (userId ?? (session as Json)?.['userId']) === users[i]?.user,
      );
      if (opened.length !== items) throw new Error(`${own.name} opened ${opened.length} of ${items} sessions`);
      return took;
    };
    const create = curfewNode('createUserSession', { userId: '={{ $json.user }}' });
    await timeIn(create);
    await timeIn(http);
    const { ratio, ours, theirs } = await duel(
      rounds,
      (round) => {
        say(`n8n, ${items} items, round ${round + 1} of ${rounds}`);
        return timeIn(create);
      },
      () => timeIn(http),
    );
    return [
      {
        what: `n8n: Create User Session for ${items.toLocaleString('en')} items`,
        against: 'n8n’s HTTP Request node, the same requests',
        reached: `${times(ratio)} (${Math.round(ours)} ms, ${Math.round(theirs)} ms)`,
        ...atMost(1, ratio),
      },
    ];
  } finally {
    child.kill('SIGTERM');
    folder.remove();
  }
}

/** n8n's HTTP Request node, from the package of all its nodes: downloaded once, with the dependencies of this node. */
function httpRequestNode(say: (text: string) => void): NodeType {
  const folder = join(cache, `n8n-nodes-base-${baseVersion}`);
  const manifest = join(folder, 'package', 'package.json');
  const stamp = join(folder, '.installed');
  const quiet = { cwd: folder, encoding: 'utf8' } as const;
  if (!existsSync(stamp)) {
    say(`getting n8n-nodes-base ${baseVersion} into ${folder} (once)`);
    mkdirSync(folder, { recursive: true });
    const packed = execFileSync('npm', ['pack', '--silent', `n8n-nodes-base@${baseVersion}`], quiet).trim();
    const wanted = ['package/package.json', 'package/dist/nodes/HttpRequest', 'package/dist/utils'];
    execFileSync('tar', ['xzf', packed, ...wanted], quiet);
    const { dependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies: Record<string, string> };
    const used = ['@mozilla/readability', 'cheerio', 'form-data', 'html-to-text', 'jsdom', 'iconv-lite'];
    const own = Object.fromEntries(used.flatMap((name) => (dependencies[name] ? [[name, dependencies[name]]] : [])));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: own }));
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], quiet);
    writeFileSync(stamp, '');
  }
  const { HttpRequest } = createRequire(manifest)('./dist/nodes/HttpRequest/HttpRequest.node.js') as {
    HttpRequest: new () => NodeType;
  };
  return new HttpRequest();
}
