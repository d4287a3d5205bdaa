import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import { behavesAsTheOthers } from './behaviour.ts';
import { next, type Running, start } from './programs.ts';
import { Tab } from './tab.ts';

behavesAsTheOthers('next', next);

describe('next: pages and Server Actions', () => {
  let server: TestServer;
  let app: Running;
  before(async () => {
    server = await TestServer.start();
    app = await start(next, { CURFEW_URL: server.url, CURFEW_API_KEY: server.key });
  });
  after(async () => {
    app?.stop();
    await server.close();
  });

  /** Submits the form of a page that has this button, as a browser without scripts does. */
  async function submit(tab: Tab, button: string, fields: Record<string, string>, origin = tab.url): Promise<Response> {
    const { text } = await tab.send('GET', '/form');
    const form = text.split('<form').find((part) => part.includes(`>${button}<`));
    assert.ok(form, text);
    const body = new FormData();
    for (const [, name, value = ''] of form.matchAll(/<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?/g)) {
      body.set(name!, value.replaceAll('&quot;', '"'));
    }
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    const cookie = [...tab.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${tab.url}/form`, {
      method: 'POST',
      body,
      redirect: 'manual',
      headers: { cookie, origin },
    });
    tab.keep(answer);
    return answer;
  }
  const opened = async (): Promise<Tab> => {
    const tab = new Tab(app.url);
    await tab.send('POST', '/login', { userId: 'ada' });
    return tab;
  };

  test('a page is rendered for who is signed in, and leads others to the sign-in', async () => {
    const nobody = await new Tab(app.url).send('GET', '/page');
    assert.deepEqual([nobody.status, nobody.headers.get('location')], [307, '/login']);
    assert.match((await (await opened()).send('GET', '/page')).text, /Hello <!-- -->ada/);
  });

  test('a page that is requested when the tokens are to be replaced is rendered with the new ones', async () => {
    const tab = (await opened()).later();
    const page = await tab.send('GET', '/page');
    assert.deepEqual([page.status, page.set.length], [200, 2]);
    assert.match(page.text, /Hello <!-- -->ada/);
    assert.match(page.headers.get('cache-control')!, /no-store/);
    assert.equal((await server.verify(tab.cookies.get('__Host-curfew')!)).active, true);
  });

  test('Server Actions sign in, write and log out', async () => {
    const tab = new Tab(app.url);
    assert.equal((await submit(tab, 'Sign in', { userId: 'grace' })).headers.get('location'), '/page');
    const token = tab.cookies.get('__Host-curfew')!;
    assert.equal((await server.verify(token)).session.metadata.plan, 'paid');
    const renamed = await submit(tab, 'Rename', { name: 'Grace H.' });
    assert.equal(renamed.headers.get('location'), '/form?userId=grace&name=Grace+H.');
    assert.equal((await submit(tab, 'Log out', {})).headers.get('location'), '/form');
    assert.deepEqual([[...tab.cookies], (await server.verify(token)).reason], [[], 'logout']);
  });

  test('another site’s page can send no Server Action', async () => {
    const tab = await opened();
    const answer = await submit(tab, 'Log out', {}, 'https://evil.example');
    assert.equal(answer.status, 500);
    assert.equal((await server.verify(tab.cookies.get('__Host-curfew')!)).active, true);
  });
});
