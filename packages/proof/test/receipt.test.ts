import { createHash, createPrivateKey, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toBase64, utf8 } from '../src/bytes.ts';
import { formatVerifierKey, verifierKey } from '../src/checkpoint.ts';
import { ProofError } from '../src/errors.ts';
import { parseReceipt, type Receipt, receiptIdsHash, receiptText, verifyReceipt } from '../src/receipt.ts';

// RFC 8032, 7.1, test 1.
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const PUBLIC = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
const secret = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${SEED}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
});
const ORIGIN = 'node.example/rooms';
const LOG_KEY = formatVerifierKey(verifierKey(ORIGIN, PUBLIC));
const IDS = ['0'.repeat(32), 'f'.repeat(32)];

function signed(changes: Partial<Receipt> = {}): Receipt {
  const idsHash = receiptIdsHash(IDS);
  const unsigned = { source: 'room', from: 7, to: 8, idsHash, time: '2026-03-01T12:00:00.000Z', ...changes };
  return { ...unsigned, signature: toBase64(sign(null, utf8(receiptText(ORIGIN, unsigned)), secret)) };
}

describe('a receipt', () => {
  it('is signed over its text, which names the log', () => {
    const receipt = signed();
    const rest = '"origin":"node.example/rooms","source":"room","time":"2026-03-01T12:00:00.000Z","to":8}';
    expect(receiptText(ORIGIN, receipt)).toBe(
      `tidemark-receipt/1\n{"from":7,"idsHash":"${receiptIdsHash(IDS)}",${rest}`,
    );
    expect(receiptIdsHash(IDS)).toBe(
      createHash('sha256')
        .update(`["${IDS.join('","')}"]`)
        .digest('hex'),
    );
    expect(verifyReceipt(parseReceipt(receipt), LOG_KEY)).toBe(true);
  });

  it.each<[string, Partial<Receipt>]>([
    ['source', { source: 'hall' }],
    ['from', { from: 6 }],
    ['to', { to: 9 }],
    ['idsHash', { idsHash: receiptIdsHash([...IDS].reverse()) }],
    ['time', { time: '2026-03-01T12:00:00.001Z' }],
    ['signature', { signature: signed({ to: 9 }).signature }],
    ['signature that is no base64', { signature: '!' }],
    ['signature that is too short', { signature: 'AAAA' }],
  ])('with another %s is not', (_, changed) => {
    expect(verifyReceipt({ ...signed(), ...changed }, LOG_KEY)).toBe(false);
  });

  it('of another log is not', () => {
    expect(verifyReceipt(signed(), formatVerifierKey(verifierKey('node.example/halls', PUBLIC)))).toBe(false);
  });

  it.each<[string, object]>([
    ['a member too many', { more: 1 }],
    ['a member too few', { to: undefined }],
    ['no number', { from: '7' }],
    ['a count from 0', { from: 0 }],
    ['an end before its start', { to: 6 }],
    ['a time without milliseconds', { time: '2026-03-01T12:00:00Z' }],
    ['a time that is none', { time: '2026-13-01T12:00:00.000Z' }],
    ['no hash', { idsHash: 'x' }],
    ['no source', { source: '' }],
  ])('with %s is malformed', (_, changed) => {
    const { code } = catching(() => parseReceipt({ ...signed(), ...changed }));
    expect(code).toBe('invalid-receipt');
  });
});

function catching(work: () => unknown): ProofError {
  try {
    work();
  } catch (error) {
    if (error instanceof ProofError) return error;
    throw error;
  }
  throw new TypeError('nothing was thrown');
}
