import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestServer } from '../../../packages/curfew/test/support/server.ts';
import type { Running } from '../../frameworks/test/programs.ts';
import { Tab } from '../../frameworks/test/tab.ts';
import { onCurfew, program } from './programs.ts';

describe('@fastify/session on Curfew', () => {
  let server: TestServer;
  let one: Running;
  let two: Running;
  before(async () => {
    server = await TestServer.start();
    [one, two] = await Promise.all([program('fastify', onCurfew(server)), program('fastify', onCurfew(server))]);
  });
  after(async () => {
    one?.stop();
    two?.stop();
    await server.close();
  });

  const who = async (tab: Tab) => JSON.parse((await tab.send('GET', '/me')).text).userId;

  test('signs in, knows the user in every process, and is over everywhere when it has logged out', async () => {
    const here = new Tab(one.url);
    assert.equal((await here.send('POST', '/visit', {})).text, '{"seen":1}');
    assert.equal((await here.send('POST', '/login', { userId: 'ada' })).text, 'signed in');
    const there = new Tab(two.url, here.cookies);
    assert.deepEqual([await who(here), await who(there)], ['ada', 'ada']);
    assert.equal((await there.send('POST', '/visit', {})).text, '{"seen":1}');
    assert.equal((await here.send('POST', '/visit', {})).text, '{"seen":2}');
    const { sessions } = (await server.call('GET', '/v1/users/ada/sessions')).body;
    assert.deepEqual(
      sessions.map(({ status }: { status: string }) => status),
      ['active'],
    );
    const copies = [here.another(), there.another()];
    assert.equal((await here.send('POST', '/logout', {})).text, 'signed out');
    for (const tab of copies) assert.equal(await who(tab), null);
  });

  test('a session that is ended from outside is dead at once', async () => {
    const here = new Tab(one.url);
    await here.send('POST', '/login', { userId: 'bob' });
    const there = new Tab(two.url, here.cookies);
    assert.deepEqual([await who(here), await who(there)], ['bob', 'bob']);
    await server.call('DELETE', '/v1/users/bob/sessions');
    for (const tab of [here, there]) assert.equal(await who(tab.another()), null);
  });
});
