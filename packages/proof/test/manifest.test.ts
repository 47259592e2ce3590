import { describe, expect, it } from 'vitest';
import { anchorScript, decodeAnchorScript, encodeAnchor } from '../src/anchor.ts';
import { fromHex, toHex } from '../src/bytes.ts';
import { type Manifest, manifestCanonical, packetLog, parseManifest, versionId } from '../src/manifest.ts';
import { isRfc3339 } from '../src/time.ts';
import { golden } from './vectors.ts';

interface Dlm1Vector {
  name: string;
  manifest: Manifest;
  canonical?: string;
  versionId: string;
  cbor: string;
  scriptSinglePush: string;
  scriptMultiPush: string;
}

const { vectors } = golden<{ vectors: Dlm1Vector[] }>('dlm1.json');

describe.each(vectors)('golden: $name', (vector) => {
  const parents = vector.manifest.lineage?.parents ?? [];
  const anchor = { mh: vector.versionId, parents };

  it('versionId', () => {
    const manifest = parseManifest(vector.manifest);
    expect(versionId(manifest)).toBe(vector.versionId);
    if (vector.canonical !== undefined) expect(manifestCanonical(manifest)).toBe(vector.canonical);
  });

  it('anchor', () => {
    expect(toHex(encodeAnchor(anchor))).toBe(vector.cbor);
    expect(toHex(anchorScript(anchor))).toBe(vector.scriptSinglePush);
  });

  it('reads the script with one push or two, with and without OP_FALSE', () => {
    for (const script of [vector.scriptSinglePush, vector.scriptMultiPush]) {
      expect(decodeAnchorScript(fromHex(script))).toEqual(anchor);
      expect(decodeAnchorScript(fromHex(script.slice(2)))).toEqual(anchor);
    }
  });
});

describe('parseManifest', () => {
  const { manifest } = vectors[1]!;
  const key = `02${'ab'.repeat(32)}`;
  const signature = { publicKey: key, signature: 'aabb' };

  it('leaves signatures and its own versionId out of the hash', () => {
    const signed = {
      ...manifest,
      versionId: vectors[1]!.versionId,
      signatures: { producer: signature, endorsements: [{ role: 'operator', ...signature }] },
    };
    expect(versionId(parseManifest(signed))).toBe(vectors[1]!.versionId);
  });

  it('refuses another versionId', () => {
    const wrong = { ...manifest, versionId: '00'.repeat(32) };
    expect(() => parseManifest(wrong)).toThrow(expect.objectContaining({ code: 'versionId-mismatch' }));
  });

  it('lets the inner objects carry more', () => {
    const more = { ...manifest, content: { ...manifest.content, rows: [1, { deep: true }] } };
    expect(parseManifest(more)).toEqual(more);
  });

  const withContent = (json: string) =>
    JSON.parse(JSON.stringify(manifest).replace('"content":{', `"content":{${json},`));

  it.each<[string, unknown]>([
    ['no object', 'x'],
    ['an unknown top-level key', { ...manifest, extra: 1 }],
    ['another type', { ...manifest, type: 'other' }],
    ['a short datasetId', { ...manifest, datasetId: 'ab' }],
    ['no content', { ...manifest, content: undefined }],
    ['no content hash', { ...manifest, content: {} }],
    ['an upper-case hash', { ...manifest, content: { contentHash: 'AB'.repeat(32) } }],
    ['a negative size', { ...manifest, content: { ...manifest.content, sizeBytes: -1 } }],
    ['a date without time', { ...manifest, provenance: { createdAt: '2024-05-01' } }],
    ['no licence', { ...manifest, policy: { classification: 'public' } }],
    ['an unknown classification', { ...manifest, policy: { license: 'x', classification: 'secret' } }],
    ['lineage without parents', { ...manifest, lineage: {} }],
    ['a parent that is no hash', { ...manifest, lineage: { parents: ['ab'] } }],
    ['a producer without a key', { ...manifest, provenance: { ...manifest.provenance, producer: {} } }],
    ['an integer-like key', withContent('"7":1')],
    ['an integer-like key in an array', withContent('"x":[{"0":1}]')],
    ['an own __proto__', withContent('"__proto__":1')],
    ['nested signatures', withContent('"x":{"signatures":{}}')],
    ['a nested versionId', withContent('"versionId":"a"')],
    ['an unknown signature member', { ...manifest, signatures: { producer: { ...signature, alg: 'x' } } }],
    ['an unknown kind of signature', { ...manifest, signatures: { witness: signature } }],
    ['an endorsement without a role', { ...manifest, signatures: { endorsements: [signature] } }],
  ])('refuses %s', (_, value) => {
    expect(() => parseManifest(value)).toThrow(expect.objectContaining({ name: 'ProofError' }));
  });

  it.each<[string, unknown]>([
    ['a lone surrogate', { ...manifest, description: '\udc00' }],
    ['a lone surrogate in a key', withContent('"\\ud800":1')],
    ['a depth without end', withContent(`"x":${'['.repeat(5000)}${']'.repeat(5000)}`)],
  ])('refuses %s', (_, value) => {
    expect(() => parseManifest(value)).toThrow(expect.objectContaining({ code: 'invalid-json-value' }));
  });

  it('takes keys that only begin like integers', () => {
    expect(parseManifest(withContent('"01":1,"1a":2,"-1":3'))).toBeDefined();
  });
});

describe('packetLog', () => {
  const { manifest } = golden<{ manifest: Manifest }>('log.json');
  const log = packetLog(manifest)!;
  const withLog = (change: object) => ({ ...manifest, content: { ...manifest.content, log: { ...log, ...change } } });

  it('is undefined where the manifest is not that of a packet', () => {
    expect(packetLog(vectors[0]!.manifest)).toBeUndefined();
  });

  it.each([
    ['an empty range', { start: 5 }],
    ['another hash', { hash: 'sha1' }],
    ['a root that is no hash', { root: 'ab' }],
    ['through a seq of zero', { through: { s: 0 } }],
    ['no config', { config: undefined }],
  ])('refuses %s', (_, change) => {
    expect(() => packetLog(withLog(change))).toThrow(expect.objectContaining({ code: 'invalid-manifest' }));
  });
});

describe('decodeAnchorScript', () => {
  const parents = (count: number) => Array.from({ length: count }, (_, i) => i.toString(16).padStart(64, '0'));
  const mh = 'cd'.repeat(32);

  it.each([0, 1, 2, 5, 6, 7, 23, 24, 255, 256, 1926, 1927, 65_535, 65_536])('reads back %d parents', (count) => {
    const anchor = { mh, parents: parents(count) };
    expect(decodeAnchorScript(anchorScript(anchor))).toEqual(anchor);
  });

  const good = toHex(anchorScript({ mh, parents: parents(1) }));
  const cbor = toHex(encodeAnchor({ mh, parents: parents(1) }));

  it.each([
    ['nothing', ''],
    ['OP_RETURN alone', '006a'],
    ['another prefix', `516a${good.slice(4)}`],
    ['a trailing byte', `${good}00`],
    ['a truncated push', good.slice(0, -2)],
    ['a push longer than needed', `006a4d4f00${good.slice(8)}`],
    ['another protocol', good.replace('444c4d31', '444c4d32')],
    ['a trailing byte in the CBOR', `006a4c50${good.slice(8)}00`],
    ['a third push', `006a04444c4d314c4b${cbor}0100`],
    ['an OP_0 for DLM1', `006a004c4b${cbor}`],
    ['DLM1 pushed with PUSHDATA1', `006a4c04444c4d314c4b${cbor}`],
    ['p before mh', good.replace(/626d68(5820.{64})(617081.*)/, '$2626d68$1')],
    ['a repeated key', good.replace('6170', '626d68')],
    ['a count of one in two bytes', `006a4c5044${good.slice(10).replace('617081', '61709801')}`],
    ['an empty list of parents', `006a2d444c4d31a2626d685820${mh}617080`],
    ['a map said to be longer', good.replace('a2626d68', 'a3626d68')],
    ['a hash as text', good.replace('6d685820', '6d687820')],
    ['a short hash', `006a29444c4d31a1626d68581f${mh.slice(2)}`],
  ])('refuses %s', (_, script) => {
    expect(script).not.toBe(good);
    expect(decodeAnchorScript(fromHex(script))).toBeUndefined();
  });

  it('refuses to write what is no hash', () => {
    expect(() => encodeAnchor({ mh: 'ab', parents: [] })).toThrow(expect.objectContaining({ code: 'invalid-anchor' }));
    expect(() => encodeAnchor({ mh, parents: [mh.toUpperCase()] })).toThrow('lower-case hex');
  });
});

describe('isRfc3339', () => {
  it.each([
    '2025-01-01T00:00:00Z',
    '2024-02-29t23:59:60.123456789z',
    '2000-02-29T00:00:00+23:59',
    '0000-12-31T12:00:00-00:00',
  ])('takes %s', (text) => expect(isRfc3339(text)).toBe(true));

  it.each([
    '2025-01-01',
    '2025-1-1T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-00-01T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T00:60:00Z',
    '2025-01-01T00:00:61Z',
    '2025-01-01T00:00:00',
    '2025-01-01T00:00:00.Z',
    '2025-01-01T00:00:00+24:00',
    '2025-01-01 00:00:00Z',
    '2025-01-01T00:00:00Z\n',
  ])('refuses %s', (text) => expect(isRfc3339(text)).toBe(false));
});
