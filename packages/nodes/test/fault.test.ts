import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CurfewApiError } from 'curfew-client';
import { faultOf, NodeFault } from '../src/index.ts';
import { refusal } from '../src/services/service.ts';

test('messages name fields as the editor does, and quote values unchanged', () => {
  const said = 'No session of userId "adaLovelace"; userAgent "myBrowser \\" userId" is not it.';
  const fault = faultOf(new CurfewApiError('session_not_found', said, { status: 404, remedy: 'Look at sessionId.' }));
  assert.equal(
    fault.message,
    'Curfew: No session of User ID "adaLovelace"; User Agent "myBrowser \\" userId" is not it.',
  );
  assert.equal(fault.remedy, 'Look at Session ID.');
});

test('the remedy is a separate sentence, whatever the service’s message ends with', () => {
  const told = (message: string, remedy: string) => new NodeFault('refused', message, { remedy }).entry.message;
  assert.equal(
    told('OAuth Server: invalid_client', 'Check the client.'),
    'OAuth Server: invalid_client. Check the client.',
  );
  assert.equal(told('WAHA: Unauthorized.', 'Check the key.'), 'WAHA: Unauthorized. Check the key.');
  assert.equal(told('WAHA: Unauthorized', ''), 'WAHA: Unauthorized');
});

test('an error is of the server if the same request can succeed later, and of the client if it has to change', () => {
  const ofCurfew = (status: number, code: 'internal' | 'changed_meanwhile' = 'internal') =>
    faultOf(new CurfewApiError(code, 'No.', { status })).origin;
  const ofService = (status: number) =>
    refusal('WAHA', { status, headers: {}, text: '{}' }, () => ({ text: 'No' })).origin;
  for (const status of [408, 429, 500, 503]) {
    assert.deepEqual([ofCurfew(status), ofService(status)], ['server', 'server'], String(status));
  }
  for (const status of [400, 401, 403, 404, 409, 422]) {
    assert.deepEqual([ofCurfew(status), ofService(status)], ['client', 'client'], String(status));
  }
  assert.equal(ofCurfew(409, 'changed_meanwhile'), 'server');
});
