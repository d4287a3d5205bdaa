import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostOf } from '../../../src/stores/redis/reach.ts';

test('a node of a Cluster is where the Cluster says, or where it was asked', () => {
  const cases: [name: string | null, more: unknown, host: string | undefined][] = [
    ['10.0.0.1', [], '10.0.0.1'],
    ['one.example', ['ip', '10.0.0.1'], 'one.example'],
    // `cluster-preferred-endpoint-type hostname`, and none is set.
    ['?', ['ip', '10.0.0.1'], '10.0.0.1'],
    ['?', { ip: '10.0.0.1' }, '10.0.0.1'],
    ['?', ['hostname', 'one.example'], undefined],
    ['?', undefined, undefined],
    // `unknown-endpoint`: the address inside of the Cluster is no way to reach it.
    [null, ['ip', '10.0.0.1'], undefined],
    ['', ['hostname', 'one.example'], undefined],
  ];
  for (const [name, more, host] of cases) assert.equal(hostOf(name, more), host, JSON.stringify([name, more]));
});
