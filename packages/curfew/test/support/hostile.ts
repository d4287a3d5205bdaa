import { request } from 'node:http';
import { CurfewError } from '../../src/errors.ts';
import type { Store } from '../../src/stores/contract.ts';
import type { Answer, TestServer } from './server.ts';

/** Texts that are no valid name, id or token, and that can break a careless server. */
export const strangeTexts: Record<string, string> = {
  'a slash': 'a/b',
  'a way up': '../desk',
  'a NUL': '\0',
  'a NUL behind a name': 'desk\0',
  'look-alikes': 'dеsk',
  'a right-to-left mark': '\u202edesk',
  'a quote': "desk' OR '1'='1",
  'an operator': '{"$ne":null}',
  'an evil pattern': '(a+)+$',
  'a very long text': 'x'.repeat(1500),
  'a longer text': 'x'.repeat(5000),
};

/** Bodies that are not a JSON object. */
export const noObjects: Record<string, string> = {
  'not JSON': '{"name": ',
  'an array': '[]',
  'a text': '"desk"',
  'a number': '7',
  null: 'null',
  'prototype pollution': '{"__proto__":{"admin":true}}',
};

/** A raw request: headers may come twice, and no client normalizes the path. */
export function rawCall(
  { url }: TestServer,
  method: string,
  path: string,
  headers: Record<string, string | string[]>,
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, path, headers: { 'content-length': Buffer.byteLength(body), ...headers } });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const received = new Headers(
          Object.entries(response.headersDistinct).flatMap(([name, values]) =>
            (values ?? []).map((value): [string, string] => [name, value]),
          ),
        );
        resolve({ status: response.statusCode!, headers: received, body: text === '' ? '' : JSON.parse(text) });
      });
    });
    sent.end(body);
  });
}

/** Makes one operation of a store fail, without changing anything, for as long as `during` runs. */
export async function whileFailing<Result>(
  store: Store,
  operation: keyof Store,
  during: () => Promise<Result>,
): Promise<Result> {
  const target = store as unknown as Record<string, unknown>;
  const original = target[operation];
  target[operation] = async () => {
    throw new CurfewError('store_unavailable', { detail: 'secret-detail-of-the-store' });
  };
  try {
    return await during();
  } finally {
    target[operation] = original;
  }
}

/** The state that a refused request must leave unchanged, without what the concurrent sweep may change. */
export async function effectsIn({ context }: TestServer): Promise<{ active: number; head: number }> {
  const { store, clock } = context;
  return { active: await store.countActive(clock.nowForEnd()), head: (await store.logHead()).sequence };
}

/** The token of an API key that the server has not read yet, so that it has to ask the store. */
export async function newKey(server: TestServer): Promise<string> {
  return (await server.call('POST', '/v1/keys', { name: 'new', scopes: ['sessions.verify'] })).body.token;
}
