import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { TestServer } from '../../../curfew/test/support/server.ts';

/** The scripts of the pages: with the element alone, and with React. */
const scripts = {
  '/element.js': `import 'curfew-client/devices';`,
  '/react.js': `
import { createElement, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { CurfewDevices } from 'curfew-client/devices-react';

const getToken = async () => (await (await fetch('/token', { method: 'POST' })).json()).token;
function App() {
  const [ended, setEnded] = useState([]);
  return createElement('main', {},
    createElement(CurfewDevices, {
      server: document.body.dataset.server,
      getToken: () => getToken(),
      onEnded: (detail) => setEnded((former) => [...former, JSON.stringify(detail)]),
      lang: 'en',
      className: 'mine',
    }),
    createElement('output', {}, ended.join(' ')));
}
createRoot(document.getElementById('app')).render(createElement(StrictMode, {}, createElement(App)));
`,
};

/**
 * An application with a page of its own, on another origin than the Curfew server. Its policy for content is as strict
 * as can be: no inline style or script, and no text that becomes markup.
 */
export async function startHostPage(curfew: TestServer) {
  const built = new Map<string, string>();
  for (const [path, contents] of Object.entries(scripts)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: import.meta.dirname },
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      conditions: ['curfew-source'],
      define: { 'process.env.NODE_ENV': '"production"' },
    });
    built.set(path, outputFiles![0]!.text);
  }
  built.set('/axe.js', readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8'));
  let user = { id: '', session: undefined as string | undefined };
  let tokens = 0;
  let lifetime = 300;
  const page = createServer(async (request, response) => {
    const path = request.url!.split('?')[0]!;
    const origin = `http://${request.headers.host}`;
    response.setHeader(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; " +
        `connect-src 'self' ${curfew.url}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
    );
    if (path === '/token' && request.method === 'POST') {
      tokens += 1;
      const body = { origin, session: user.session, lifetime };
      const { body: made } = await curfew.call('POST', `/v1/users/${user.id}/widget-token`, body);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ token: made.token }));
      return;
    }
    const script = built.get(path);
    response.setHeader('content-type', script === undefined ? 'text/html; charset=utf-8' : 'text/javascript');
    const query = new URL(request.url!, origin).searchParams;
    const language = query.get('lang') ?? 'en';
    const element =
      path === '/with-react'
        ? '<div id="app"></div><script type="module" src="/react.js"></script>'
        : `<main><curfew-devices server="${curfew.url}" token-url="/token"></curfew-devices></main><script type="module" src="/element.js"></script>`;
    response.end(
      script ??
        `<!doctype html><html lang="${language}" dir="${query.get('dir') ?? 'ltr'}"><head><title>Account</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"></head>
<body data-server="${curfew.url}">${element}${query.has('axe') ? '<script src="/axe.js"></script>' : ''}</body></html>`,
    );
  });
  page.listen(0, '127.0.0.1');
  await once(page, 'listening');
  return {
    url: `http://127.0.0.1:${(page.address() as AddressInfo).port}`,
    /** Who is signed in to the application. */
    as(id: string, session?: string) {
      user = { id, session };
    },
    /** Seconds for which the next tokens work. */
    set lifetime(seconds: number) {
      lifetime = seconds;
    },
    get tokens() {
      return tokens;
    },
    async close() {
      page.closeAllConnections();
      page.close();
    },
  };
}
