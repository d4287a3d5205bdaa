import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestServer } from '../support/server.ts';

test('a route that a system does not have is refused in its format, under its own paths and under its name', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.close());
  const rocketchat = { success: false, error: 'Not found' };
  const waha = { message: 'Not Found', error: 'Not Found', statusCode: 404 };
  const altogic = {
    errors: [{ origin: 'client_error', code: 'endpoint_not_found', message: 'There is no such endpoint.' }],
  };
  const directus = (path: string) => ({
    errors: [{ message: `Route ${path} doesn't exist.`, extensions: { path, code: 'ROUTE_NOT_FOUND' } }],
  });
  const cases: [method: string, path: string, body: object][] = [
    ['GET', '/api/v1/login', rocketchat],
    ['DELETE', '/api/v1/me', rocketchat],
    ['POST', '/api/v1/users.create', rocketchat],
    ['GET', '/rocketchat/api/v1/users.list', rocketchat],
    ['GET', '/rocketchat/nonsense', rocketchat],
    ['GET', '/directus/items/articles', directus('/directus/items/articles')],
    ['PUT', '/directus/auth/login', directus('/directus/auth/login')],
    ['GET', '/api/sessions/desk/nonsense', waha],
    ['GET', '/waha/nonsense', waha],
    ['PATCH', '/waha/api/sessions', waha],
    ['GET', '/_api/rest/v1/auth/nonsense', altogic],
    ['GET', '/altogic/nonsense', altogic],
  ];
  for (const [method, path, expected] of cases) {
    const { status, body } = await server.call(method, path, undefined, { as: '' });
    assert.deepEqual([status, body], [404, expected], `${method} ${path}`);
  }
});
