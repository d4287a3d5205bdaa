import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AnsiUp } from 'ansi_up';
import { chromium } from 'playwright-core';
import { createClient } from '../packages/client/src/index.ts';
import { consolePictures } from './pictures-console.ts';

/*
 * Makes the pictures of the documentation, with real servers and ten thousand sessions: of a real terminal (tmux),
 * rendered by a real browser; and of the console. Needs tmux and chromium. `npm run pictures console` makes only those,
 * and `npm run pictures terminal` only the others.
 */
const [columns, lines] = [118, 30];
const many = 10_000;
const folder = mkdtempSync(join(tmpdir(), 'curfew-pictures-'));
const terminal = `curfew-pictures-${process.pid}`;
const devices = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0',
];

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
try {
  if (process.argv[2] !== 'console') await terminalPictures();
  if (process.argv[2] !== 'terminal') await consolePictures(browser);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}

async function terminalPictures(): Promise<void> {
  const server = await startServer();
  try {
    tmux('new-session', '-d', '-s', terminal, '-x', `${columns}`, '-y', `${lines}`, 'env', 'PS1=$ ', 'sh');
    type(
      `PATH=${process.cwd()}/node_modules/.bin:$PATH CURFEW_URL=${server.url} CURFEW_API_KEY=${server.key}; export PATH CURFEW_URL CURFEW_API_KEY; clear`,
    );
    await picture('empty', 'npx curfew sessions list', /No active sessions/);
    await picture('error', 'npx curfew sessions end 0000000000000000000000', /\n\$ $/);
    await fill(server);
    await picture('list', 'npx curfew sessions list --user ada --limit 20', /of 10,000/);
    await picture('progress', 'npx curfew sessions list --user ada --all > /dev/null', /[3-6]\d %/);
  } finally {
    tmux('kill-session', '-t', terminal);
    server.child.kill('SIGTERM');
  }
}

type Started = { child: ChildProcess; url: string; key: string };

async function startServer(): Promise<Started> {
  const key = execFileSync('curfew', ['keys', 'make'], { encoding: 'utf8' }).trim();
  const child = spawn('curfew', ['serve'], {
    env: { ...process.env, CURFEW_STORE: `lmdb:${join(folder, 'data')}`, CURFEW_PORT: '0', CURFEW_API_KEY: key },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const line of createInterface(child.stdout!)) {
    if (line.includes('"listening"')) return { child, url: JSON.parse(line).url, key };
  }
  throw new Error('The server did not start.');
}

async function fill({ url, key }: Started): Promise<void> {
  const client = createClient({ url, token: key });
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < many; i = next++) {
      const ip = `203.0.113.${i % 250}`;
      await client.createSession({
        userId: 'ada',
        accessGroups: ['staff'],
        userAgent: devices[i % devices.length]!,
        ip,
      });
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** Types a command, waits until the screen matches `until`, and makes a picture of the screen. */
async function picture(name: string, command: string, until: RegExp): Promise<void> {
  type('clear');
  // Otherwise it may clear the command too.
  await screenWith(/^\$ $/);
  type(command);
  const screen = await screenWith(until);
  const page = await browser.newPage({ deviceScaleFactor: 2 });
  await page.setContent(`<body style="margin:0;background:#1d2027;width:max-content">
    <pre style="margin:0;padding:18px 22px;color:#d8dbe2;font:14px/1.35 'DejaVu Sans Mono',monospace">${screen}</pre>`);
  await page.locator('pre').screenshot({ path: `docs/pictures/${name}.png` });
  await page.close();
  type('');
}

async function screenWith(wanted: RegExp): Promise<string> {
  for (let turn = 0; turn < 3000; turn++) {
    const plain = tmux('capture-pane', '-p', '-t', terminal);
    if (wanted.test(plain.trimEnd().concat(plain.trimEnd().endsWith('$') ? ' ' : ''))) {
      const coloured = tmux('capture-pane', '-e', '-p', '-t', terminal).trimEnd();
      return new AnsiUp().ansi_to_html(coloured.replace(/^[\s\S]*(?=\$ npx)/, ''));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`The terminal never showed ${wanted}:\n${tmux('capture-pane', '-p', '-t', terminal)}`);
}

function type(text: string): void {
  tmux('send-keys', '-t', terminal, text, 'Enter');
}

function tmux(...args: string[]): string {
  return execFileSync('tmux', args, { encoding: 'utf8' });
}
