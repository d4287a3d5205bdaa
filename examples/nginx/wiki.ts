import { createServer } from 'node:http';

// A program that knows nothing of Curfew, and has no sign-in of its own. nginx tells it who is there.
const port = Number(process.env['PORT'] ?? 3000);
createServer((request, response) => {
  const user = decodeURIComponent(String(request.headers['x-curfew-user']));
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(`<!doctype html><html lang="en"><title>Wiki</title><link rel="icon" href="data:,"><h1>Wiki</h1>
    <p role="status">Hello ${user.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)}.</p>
    <p><a href="/account.html">Account</a></p></html>`);
}).listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}`));
