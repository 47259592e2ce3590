import { expect, test } from 'vitest';
import { parseEnvelope, verifyProof } from '../src/index.ts';

const envelope = (headers: number) => ({
  rawTx: '00',
  proof: { txid: '0'.repeat(64), merkleRoot: '0'.repeat(64), path: [] },
  block: { blockHeader: '00' },
  headerChain: Array.from({ length: headers }, () => '00'),
});

test('an envelope brings 2016 headers at the most', () => {
  expect(parseEnvelope(envelope(2016), 'elsewhere').headerChain).toHaveLength(2016);
  expect(() => parseEnvelope(envelope(2017), 'elsewhere')).toThrow('headerChain');
});

test.each(['false', 1, null, {}])('dev is true or false, not %j', (dev) => {
  expect(() => verifyProof({}, { dev: dev as boolean })).toThrow('dev is true or false');
});
