import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressBytes, addressRank } from '../../src/domain/address-bytes.ts';

describe('addresses as numbers', () => {
  const hex = (text: string) => {
    const bytes = addressBytes(text);
    return bytes && Buffer.from(bytes).toString('hex');
  };

  test('every way to write an address gives the same bytes', () => {
    assert.equal(hex('192.0.2.1'), 'c0000201');
    for (const same of ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.1']) {
      assert.equal(hex(same), 'c0000201', same);
    }
    for (const same of ['2001:db8::1', '2001:0DB8:0:0::1', '2001:db8:0:0:0:0:0.0.0.1', '2001:db8::1%eth0']) {
      assert.equal(hex(same), '20010db8000000000000000000000001', same);
    }
    assert.deepEqual([hex('::'), hex('1::')], ['0'.repeat(32), `0001${'0'.repeat(28)}`]);
    assert.deepEqual(['', 'x', '1.2.3', '1:2', '1.2.3.4:80'].map(hex), Array(5).fill(undefined));
  });

  test('they sort as numbers: none, then IPv4, then IPv6', () => {
    const inOrder = [undefined, '9.0.0.1', '::ffff:10.0.0.9', '10.0.0.10', '::1', '2001:db8::9', '2001:db8::10'];
    const ranks = inOrder.map(addressRank);
    assert.deepEqual([...ranks].sort(), ranks);
  });
});
