import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CurfewApiError } from 'curfew-client';
import { faultOf, NodeFault } from '../src/index.ts';

test('the names of fields are told as the editor has them, and what was sent as it was sent', () => {
  const said = 'No session of userId "adaLovelace"; userAgent "myBrowser \\" userId" is not it.';
  const fault = faultOf(new CurfewApiError('session_not_found', said, { status: 404, remedy: 'Look at sessionId.' }));
  assert.equal(
    fault.message,
    'Curfew: No session of User ID "adaLovelace"; User Agent "myBrowser \\" userId" is not it.',
  );
  assert.equal(fault.remedy, 'Look at Session ID.');
});

test('the remedy is a sentence of its own, whatever the service ended its words with', () => {
  const told = (message: string, remedy: string) => new NodeFault('refused', message, { remedy }).entry.message;
  assert.equal(
    told('OAuth Server: invalid_client', 'Check the client.'),
    'OAuth Server: invalid_client. Check the client.',
  );
  assert.equal(told('WAHA: Unauthorized.', 'Check the key.'), 'WAHA: Unauthorized. Check the key.');
  assert.equal(told('WAHA: Unauthorized', ''), 'WAHA: Unauthorized');
});
