import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex, utf8 } from '../src/bytes.ts';
import { canonicalize } from '../src/canonical.ts';
import { eventId, fusedEventId, saltedEventId } from '../src/event-id.ts';
import {
  hashLeaf,
  type Leaf,
  leafBytes,
  MAX_FUSED_INPUTS,
  MAX_LEAF_BYTES,
  packetLine,
  parseEntry,
  parseLeaf,
  payloadHash,
  payloadSalt,
  saltedHash,
} from '../src/leaf.ts';
import { type Manifest, packetLog, parseManifest, versionId } from '../src/manifest.ts';
import { Frontier, inclusionProof, type NodeReader, nodeHash } from '../src/merkle.ts';
import { golden } from './vectors.ts';

interface LogVectors {
  payloads: unknown[];
  leaves: Leaf[];
  canonicalLeaves: string[];
  leafHashes: string[];
  roots: string[];
  inclusion: string[][];
  contentLines: string[];
  manifest: Manifest;
  versionId: string;
}

const vectors = golden<LogVectors>('log.json');
const sha256Hex = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

describe('the golden packet', () => {
  it('has the leaves, hashes and roots', () => {
    const frontier = new Frontier();
    const roots = vectors.leaves.map((leaf) => {
      frontier.append(hashLeaf(parseLeaf(leaf)));
      return toHex(frontier.root());
    });
    expect(vectors.leaves.map((leaf) => canonicalize(leaf))).toEqual(vectors.canonicalLeaves);
    expect(vectors.leaves.map((leaf) => toHex(hashLeaf(leaf)))).toEqual(vectors.leafHashes);
    expect(roots).toEqual(vectors.roots);
  });

  it('has the inclusion proofs', () => {
    const node: NodeReader = (level, index) =>
      level === 0
        ? fromHex(vectors.leafHashes[index]!)
        : nodeHash(node(level - 1, index * 2), node(level - 1, index * 2 + 1));
    expect(vectors.leaves.map((_, i) => inclusionProof(i, 5, node).map(toHex))).toEqual(vectors.inclusion);
  });

  it('has the payload hashes and the content', () => {
    const lines = vectors.leaves.map((leaf, i) => {
      const hasPayload = 'payloadHash' in leaf;
      if (hasPayload) expect(payloadHash(vectors.payloads[i - 1])).toBe(leaf.payloadHash);
      return packetLine(canonicalize(leaf), hasPayload ? canonicalize(vectors.payloads[i - 1]) : undefined);
    });
    expect(lines).toEqual(vectors.contentLines);
    expect(sha256Hex(lines.join(''))).toBe(vectors.manifest.content.contentHash);
  });

  it('has the manifest and its versionId', () => {
    expect(versionId(parseManifest(vectors.manifest))).toBe(vectors.versionId);
    expect(packetLog(vectors.manifest)).toMatchObject({ start: 0, end: 5, root: vectors.roots[4] });
  });

  it('has the event ids', () => {
    const [r1] = vectors.leaves.filter((leaf) => leaf.kind === 'record');
    expect(eventId('sensor-a', 'r1')).toBe(r1?.eventId);
  });
});

describe('parseLeaf', () => {
  const hash = 'ab'.repeat(32);
  const common = { v: 1, stream: 'roof', eventId: 'ab'.repeat(16), eventTime: '2026-03-01T12:00:00.000Z' };
  const record = { ...common, kind: 'record', source: 's', seq: 1, rawHash: hash, policyHash: hash, payloadHash: hash };
  const fused = {
    ...common,
    kind: 'fused',
    inputs: [
      ['a', 9, hash, hash],
      ['a', 10, hash, hash],
      ['b', 1, hash, hash],
    ],
    policyHash: hash,
    decision: hash,
    payloadHash: hash,
  };
  const control = {
    v: 1,
    stream: 'roof',
    kind: 'control',
    action: 'erased',
    data: { seq: [1, null] },
    signature: 'aa',
  };
  const header = { v: 1, stream: 'roof', kind: 'header', publisher: `02${hash}`, logKey: 'n/roof+00000000+AQ==' };

  it.each([
    ['record', record],
    ['a revision', { ...record, supersedes: ['s', 1] }],
    ['fused', fused],
    ['a fused revision', { ...fused, supersedes: hash }],
    ['control', control],
    ['header', header],
  ])('takes %s', (_, leaf) => {
    expect(parseLeaf(leaf)).toEqual(leaf);
  });

  it.each<[string, unknown]>([
    ['no object', null],
    ['an array', [record]],
    ['another version', { ...record, v: 2 }],
    ['an unknown kind', { ...record, kind: 'toString' }],
    ['an unknown member', { ...record, extra: 1 }],
    ['an own __proto__', JSON.parse(JSON.stringify(record).replace('{', '{"__proto__":{},'))],
    ['a missing member', { ...record, rawHash: undefined }],
    ['upper-case hex', { ...record, rawHash: hash.toUpperCase() }],
    ['a short hash', { ...record, payloadHash: 'ab' }],
    ['seq zero', { ...record, seq: 0 }],
    ['a fractional seq', { ...record, seq: 1.5 }],
    ['an unsafe seq', { ...record, seq: 2 ** 53 }],
    ['an empty source', { ...record, source: '' }],
    ['a lone surrogate', { ...record, source: '\ud800' }],
    ['a time without milliseconds', { ...record, eventTime: '2026-03-01T12:00:00Z' }],
    ['a time off UTC', { ...record, eventTime: '2026-03-01T12:00:00.000+00:00' }],
    ['a day that is not', { ...record, eventTime: '2026-02-29T12:00:00.000Z' }],
    ['supersedes of three', { ...record, supersedes: ['s', 1, 2] }],
    ['supersedes null', { ...record, supersedes: null }],
    ['no inputs', { ...fused, inputs: [] }],
    ['inputs out of order', { ...fused, inputs: [...fused.inputs].reverse() }],
    ['an input twice', { ...fused, inputs: [fused.inputs[0], fused.inputs[0]] }],
    ['a short input', { ...fused, inputs: [['a', 1, hash]] }],
    [
      'too many inputs',
      { ...fused, inputs: Array.from({ length: MAX_FUSED_INPUTS + 1 }, (_, i) => ['a', i + 1, hash, hash]) },
    ],
    ['a control leaf unsigned', { ...control, signature: '' }],
    ['a header without its key', { ...header, publisher: hash }],
    ['a leaf too long', { ...control, data: 'x'.repeat(MAX_LEAF_BYTES) }],
  ])('refuses %s', (_, leaf) => {
    expect(() => parseLeaf(leaf)).toThrow(expect.objectContaining({ code: 'invalid-leaf' }));
  });

  it('counts the length in bytes, to the last one', () => {
    const room = MAX_LEAF_BYTES - leafBytes(parseLeaf({ ...control, data: '' })).length;
    expect(leafBytes(parseLeaf({ ...control, data: 'é'.repeat((room - (room % 2)) / 2) })).length).toBeGreaterThan(
      65_530,
    );
    expect(parseLeaf({ ...control, data: 'x'.repeat(room) })).toBeDefined();
    expect(() => parseLeaf({ ...control, data: 'x'.repeat(room + 1) })).toThrow('at most 65535');
  });
});

describe('salted streams', () => {
  const salt = new Uint8Array(32).fill(7);

  it('hash the payload under the inner salt, the rest under the salt itself', () => {
    const inner = createHash('sha256').update('payload').update(salt).digest();
    expect(toHex(payloadSalt(salt))).toBe(inner.toString('hex'));
    expect(payloadHash({ b: 1, a: 2 }, payloadSalt(salt))).toBe(sha256Hex(inner, '{"a":2,"b":1}'));
    expect(saltedHash(salt, utf8('raw'))).toBe(sha256Hex(salt, 'raw'));
  });

  it('name events by HMAC', () => {
    const expected = createHmac('sha256', salt).update('["s","e1"]').digest('hex').slice(0, 32);
    expect(saltedEventId(salt, 's', 'e1')).toBe(expected);
  });

  it('and fused records by stream, key and bucket', () => {
    expect(fusedEventId('roof', ['a'], 5)).toBe(sha256Hex('["roof",["a"],5]').slice(0, 32));
  });
});

describe('entries of a tiled log', () => {
  const leaf = { v: 1, kind: 'header', stream: 'gauges', publisher: `02${'ab'.repeat(32)}`, logKey: 'k' } as const;
  const entry = leafBytes(leaf);

  it('are leaves in their canonical text', () => {
    expect(parseEntry(entry)).toEqual(leaf);
  });

  it.each([
    ['another order of the members', utf8(JSON.stringify(leaf))],
    ['a byte order mark', concat(Uint8Array.of(0xef, 0xbb, 0xbf), entry)],
    ['no UTF-8', Uint8Array.of(0xff)],
    ['no JSON', utf8('{')],
    ['no leaf', utf8('{}')],
  ])('are nothing else: %s', (_what, bytes) => {
    expect(() => parseEntry(bytes)).toThrow(expect.objectContaining({ code: 'invalid-leaf' }));
  });
});
