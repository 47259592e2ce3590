import { createHash } from 'node:crypto';
import { type ControlLeaf, canonicalize, parseLeaf, verifyControl } from '@tidemark/proof';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { controlLeaf, headerLeaf, recordLeaf } from '../../src/certify/leaf-text.ts';
import type { ControlRecord, NormalizedEvent } from '../../src/event.ts';
import { IDENTITY, SIGNERS, streamConfig } from '../support/node.ts';

const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => Buffer.from(array).toString('hex'));
const id = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{2,63}$/);
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const common = {
  position: fc.constant(1),
  source: id,
  seq,
  eventId: hexOf(16),
  eventTime: fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  rawHash: hexOf(32),
  policyHash: hexOf(32),
  supersedes: fc.option(seq, { nil: undefined }),
};
const record: fc.Arbitrary<NormalizedEvent> = fc.oneof(
  fc.record({ kind: fc.constant('record' as const), ...common, payload: fc.constant('{}'), payloadHash: hexOf(32) }),
  fc.record({ kind: fc.constant('quarantined' as const), ...common, reasons: fc.array(fc.string()) }),
);

/** The leaf as the contract has it. */
function leafOf(stream: string, record: NormalizedEvent): object {
  const { kind, source, seq, eventId, eventTime, rawHash, policyHash, supersedes } = record;
  const leaf = { v: 1, kind, stream, source, seq, eventId, eventTime, rawHash, policyHash };
  if (record.kind === 'quarantined') {
    return { ...leaf, reasonsHash: createHash('sha256').update(canonicalize(record.reasons)).digest('hex') };
  }
  const { payloadHash } = record;
  return supersedes === undefined
    ? { ...leaf, payloadHash }
    : { ...leaf, payloadHash, supersedes: [source, supersedes] };
}

test('the text of a record is what the canonicalizer makes of the leaf, and the verifier takes it', () => {
  fc.assert(
    fc.property(id, record, (stream, record) => {
      const text = recordLeaf(stream, record);
      expect(text).toBe(canonicalize(leafOf(stream, record)));
      expect(parseLeaf(JSON.parse(text))).toEqual(leafOf(stream, record));
    }),
    { numRuns: 300 },
  );
});

test('the same for the header', () => {
  const { publisher, logKey } = streamConfig('alpha', {});
  const leaf = { v: 1, kind: 'header', stream: 'alpha', publisher, logKey };
  expect(headerLeaf('alpha', publisher, logKey)).toBe(canonicalize(leaf));
  expect(parseLeaf(JSON.parse(headerLeaf('alpha', IDENTITY.publicKey, logKey)))).toEqual(leaf);
});

test('a control leaf is signed over the text of its other members', () => {
  const { logKey } = streamConfig('alpha', {});
  const data = { source: 'one', seq: 3, eventId: '0'.repeat(32), by: 'admin', reason: 'a "word"\n€' };
  const record: ControlRecord = { kind: 'control', cause: 9, about: 4, action: 'quarantine-discarded', data };
  const text = controlLeaf('alpha', record, (message) => SIGNERS.control(logKey, message, 'alpha', 0));
  const leaf = parseLeaf(JSON.parse(text)) as ControlLeaf;
  expect(text).toBe(canonicalize(leaf));
  const { action } = record;
  expect(leaf).toEqual({ v: 1, kind: 'control', stream: 'alpha', action, data, signature: leaf.signature });
  expect(verifyControl(leaf, logKey)).toBe(true);
});
