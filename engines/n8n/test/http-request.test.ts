import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { services } from 'curfew-nodes';
import type { IDataObject, IHttpRequestOptions, INodeType, IRequestOptions } from 'n8n-workflow';
import { oauthServer } from '../../../packages/nodes/test/support/oauth-server.ts';
import { answering, type Closer } from '../../../packages/nodes/test/support/wire.ts';
import { N8n, node, type Ran, source, wires } from './support/n8n.ts';

/** Requests as n8n's own node HTTP Request does with a predefined credential type: the address is in `uri`. */
const httpRequest: INodeType = {
  description: {
    displayName: 'HTTP Request',
    name: 'httpRequest',
    group: ['output'],
    version: 1,
    description: 'HTTP Request',
    defaults: { name: 'HTTP Request' },
    inputs: ['main'],
    outputs: ['main'],
    properties: ['credential', 'request'].map((name) => ({ displayName: name, name, type: 'string', default: '' })),
  },
  async execute() {
    const options: IRequestOptions = {
      headers: {},
      gzip: true,
      followRedirect: true,
      followAllRedirects: true,
      resolveWithFullResponse: true,
      ...JSON.parse(this.getNodeParameter('request', 0) as string),
    };
    const type = this.getNodeParameter('credential', 0) as string;
    const { statusCode } = await this.helpers.requestWithAuthentication.call(this, type, options);
    return [[{ json: { statusCode } }]];
  },
};

const secret = 'a-kept-secret';
const text = { 'content-type': 'text/plain' };

/** A server that keeps the headers and the body of every request, and accepts every sign-in. */
async function recording(t: Closer) {
  const got: { path: string | undefined; headers: string; body: string }[] = [];
  const { url } = await answering(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const signedIn = { token: secret, data: { userId: 'u', authToken: secret } };
    if (request.url?.endsWith('/login')) return response.end(JSON.stringify(signedIn));
    got.push({ path: request.url, headers: JSON.stringify(request.headers), body });
    if (request.url?.endsWith('/elsewhere')) response.writeHead(307, { location: '/at/home' });
    return response.end('{}');
  });
  return { url, got };
}

/** The fields of each credential beside its URL; `path` is the end of a usual URL. */
const kept: Record<string, { path: string; fields: IDataObject }> = {
  curfewApi: { path: '', fields: { apiKey: secret } },
  curfewSignInApi: { path: '', fields: { username: 'ada', password: 'p', sessionToken: secret } },
  curfewWahaApi: { path: '/waha', fields: { apiKey: secret } },
  curfewDirectusApi: { path: '', fields: { token: secret } },
  curfewRocketChatApi: { path: '', fields: { userId: 'u', authToken: secret } },
  curfewRocketChatSignInApi: { path: '', fields: { username: 'ada', password: 'p', userId: 'u', authToken: secret } },
  curfewAltogicApi: { path: '/e:1', fields: { clientKey: 'c', sessionToken: secret } },
  curfewRevocationApi: {
    path: '/oauth/revoke',
    fields: { clientId: 'c', clientAuthentication: 'body', clientSecret: secret },
  },
};

describe('credentials in n8n’s node HTTP Request', async () => {
  const n8n = await N8n.load(undefined, { 'n8n-nodes-base.httpRequest': httpRequest });
  beforeEach(() => n8n.credentials.kept.clear());

  function run(credential: string, request: IRequestOptions): Promise<Ran> {
    const credentials = { [credential]: { id: 'kept', name: 'Kept' } };
    const parameters = { credential, request: JSON.stringify(request) };
    return n8n.run({
      nodes: [source([{}]), node('Request', 'n8n-nodes-base.httpRequest', parameters, { credentials })],
      connections: wires(['Start', 0, 'Request', 0]),
    });
  }
  const keep = (name: string, url: string) =>
    n8n.keep('kept', { url, sessionUrl: url, ...kept[name]?.fields } as never);

  test('every credential is tested', () => {
    const names = services.flatMap(({ credentials }) => credentials.map(({ name }) => name));
    assert.deepEqual(Object.keys(kept).sort(), names.sort());
  });

  for (const [name, { path }] of Object.entries(kept)) {
    test(`N7.9: ${name} is sent to its own service and to no other server`, async (t) => {
      const [own, other] = [await recording(t), await recording(t)];
      keep(name, own.url + path);
      const refused = await run(name, { method: 'POST', uri: `${other.url}/steal`, form: { token: 't' } });
      assert.match(refused.error?.message ?? '', /is for http\S+ and is not sent to http\S+\/steal/);
      assert.deepEqual(other.got, []);
      const ran = await run(name, { method: 'POST', uri: own.url + path, form: { token: 't' } });
      assert.equal(ran.told, '');
      assert.equal(own.got.length, 1);
      assert.match(JSON.stringify(own.got), new RegExp(secret));
      assert.match(String(own.got[0]?.body), /^token=t\b/);
    });
  }

  test('N7.9: a redirect is not followed with a credential, whatever the node asks for', async (t) => {
    const own = await recording(t);
    keep('curfewApi', own.url);
    for (const method of ['GET', 'POST'] as const) {
      const ran = await run('curfewApi', { method, uri: `${own.url}/elsewhere` });
      assert.match(String(ran.told), /307/, method);
    }
    assert.deepEqual(
      own.got.map(({ path }) => path),
      ['/elsewhere', '/elsewhere'],
    );
  });

  test('N7.9: an address is checked in every form in which n8n accepts it', async () => {
    const given = { url: 'https://a.example/curfew', apiKey: secret };
    const authenticate = (options: object) =>
      n8n.credentials.authenticate(given, 'curfewApi', { headers: text, ...(options as IHttpRequestOptions) });
    for (const options of [
      { url: 'https://a.example/curfew/v1/me' },
      { uri: 'https://a.example/curfew/v1/me' },
      { uri: new URL('https://a.example/curfew/v1/me') },
      { baseURL: 'https://a.example/curfew', url: '/v1/me' },
      { baseURL: new URL('https://a.example/curfew/'), uri: 'v1/me' },
      { baseURL: 'https://b.example', uri: 'https://a.example/curfew/v1/me' },
      { baseURL: 'https://a.example/curfew', url: '' },
      { url: null, uri: 'https://a.example/curfew' },
    ]) {
      const { headers, ...more } = (await authenticate(options)) as IHttpRequestOptions & IRequestOptions;
      assert.deepEqual(headers, { ...text, authorization: `Bearer ${secret}` });
      const { disableFollowRedirect, followRedirect, followAllRedirects } = more;
      assert.deepEqual([disableFollowRedirect, followRedirect, followAllRedirects], [true, false, false]);
    }
    for (const options of [
      { url: 'https://b.example/curfew' },
      { uri: 'https://b.example/curfew' },
      { uri: new URL('https://b.example/curfew') },
      { url: 'https://a.example/curfew', uri: 'https://b.example/curfew' },
      { url: 'https://b.example/curfew', uri: 'https://a.example/curfew' },
      { baseURL: 'https://b.example/curfew', url: '/v1/me' },
      { baseURL: 'https://b.example/curfew', uri: '/v1/me' },
      { baseURL: 'https://a.example/curfew', uri: '//b.example/curfew' },
      { baseURL: 'https://a.example/curfew', uri: '../other' },
      // Without a server, whoever sends it chooses one.
      { url: '/curfew/v1/me' },
      { baseURL: 'https://a.example/curfew' },
      { uri: { toString: () => 'https://b.example/curfew' } },
      { baseURL: { toString: () => 'https://b.example/curfew' }, uri: '/v1/me' },
      {},
    ]) {
      await assert.rejects(authenticate(options), { code: 'other_url' }, JSON.stringify(options));
    }
  });

  test('an OAuth server receives the client beside the fields of the form', async (t) => {
    const server = await oauthServer(t);
    for (const clientAuthentication of ['basic', 'body']) {
      server.live.add('a');
      const client = { clientId: server.client.id, clientSecret: server.client.secret, clientAuthentication };
      n8n.keep('kept', { url: server.url, ...client });
      const ran = await run('curfewRevocationApi', { method: 'POST', uri: server.url, form: { token: 'a' } });
      assert.deepEqual([ran.told, server.live.has('a')], ['', false], clientAuthentication);
    }
  });
});
