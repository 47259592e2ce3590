import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  canonicalize,
  parseCheckpoint,
  parseManifest,
  parseVerifierKey,
  verifyCheckpoint,
  verifyEcdsa,
  versionId,
} from '@tidemark/proof';
import { afterAll, describe, expect, test } from 'vitest';
import { golden } from '../../../proof/test/vectors.ts';
import { emptyState, StreamLog } from '../../src/certify/stream-log.ts';
import { TileTree } from '../../src/certify/tile-tree.ts';
import type { AcceptedEvent, LogRecord } from '../../src/event.ts';
import { PacketFiles } from '../../src/store/packets.ts';
import type { StreamConfig } from '../../src/stream.ts';
import { Directories } from '../support/directories.ts';
import { SIGNERS, streamConfig } from '../support/node.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');

function open(config: StreamConfig) {
  const files = new PacketFiles(directories.next());
  files.prepare();
  const log = new StreamLog(emptyState(config, 1), new TileTree(), files, SIGNERS);
  const content = (hash: string) => readFileSync(files.path(hash), 'utf8');
  return { log, content };
}

function recordAt(position: number, payload: unknown = { n: position }): AcceptedEvent {
  const text = canonicalize(payload);
  return {
    kind: 'record',
    position,
    source: 'one',
    seq: position,
    eventId: sha256(`${position}`).slice(0, 32),
    eventTime: '2026-03-01T12:00:00.000Z',
    rawHash: sha256('raw'),
    policyHash: sha256('{}'),
    supersedes: undefined,
    payload: text,
    payloadHash: sha256(text),
  };
}

interface Golden {
  payloads: unknown[];
  leaves: Record<string, unknown>[];
  canonicalLeaves: string[];
  contentLines: string[];
  roots: string[];
  manifest: { datasetId: string; content: { log: Record<string, unknown> }; provenance: { createdAt: string } };
}

/** The golden leaves as the stages before hand them over. */
function goldenRecords({ leaves, payloads }: Golden): LogRecord[] {
  return leaves.slice(1).map((leaf, place) => {
    const { supersedes, v: _v, kind: _kind, stream: _stream, reasonsHash: _reasonsHash, ...members } = leaf;
    const common = {
      ...(members as object),
      position: place + 2,
      supersedes: (supersedes as [string, number] | undefined)?.[1],
    };
    if (leaf.kind === 'quarantined')
      return { ...common, kind: 'quarantined', reasons: ['required-missing:t'] } as LogRecord;
    return { ...common, kind: 'record', payload: canonicalize(payloads[place]) } as LogRecord;
  });
}

test('the golden packet', async () => {
  const vector = golden<Golden>('log.json');
  const [header] = vector.leaves;
  const { id: _id, ...config } = streamConfig('greenhouse', {});
  const { log, content } = open({
    ...config,
    id: 'greenhouse',
    origin: 'tidemark.example/greenhouse',
    publisher: String(header?.publisher),
    logKey: String(header?.logKey),
  });
  for (const record of goldenRecords(vector)) log.append(record, { arrivedAt: 0 });
  const packet = log.seal(Date.parse(vector.manifest.provenance.createdAt));
  await packet?.durable;
  expect(content(packet?.contentHash ?? '').split(/(?<=\n)/)).toEqual(vector.contentLines);
  const manifest = JSON.parse(packet?.manifest ?? '') as Golden['manifest'] & { signatures: unknown };
  const { signatures: _signatures, ...unsigned } = manifest;
  // The vector's configuration is not one that a server can have.
  unsigned.content.log.config = vector.manifest.content.log.config;
  expect(unsigned).toEqual(vector.manifest);
  expect(manifest.content.log.root).toBe(vector.roots.at(-1));
  expect(packet).toMatchObject({
    ...{ stream: 'greenhouse', start: 0, end: 5, sealedAt: Date.parse('2026-03-01T12:00:03Z'), oldestArrival: 0 },
    placements: [{ first: 2, count: 4, leaf: 1 }],
    quarantined: [{ position: 4, leaf: 3, reasons: ['required-missing:t'] }],
  });
});

describe('a packet', () => {
  test('has a manifest and a checkpoint that the verifier takes', async () => {
    const config = streamConfig('alpha', { one: {} });
    const { log } = open(config);
    log.append(recordAt(5), { arrivedAt: 10 });
    const packet = log.seal();
    await packet?.durable;
    const manifest = parseManifest(JSON.parse(packet?.manifest ?? ''));
    expect(versionId(manifest)).toBe(packet?.versionId);
    const { publicKey, signature } = manifest.signatures?.producer ?? { publicKey: '', signature: '' };
    expect(publicKey).toBe(config.publisher);
    expect(
      verifyEcdsa(Buffer.from(packet!.versionId, 'hex'), Buffer.from(signature, 'hex'), Buffer.from(publicKey, 'hex')),
    ).toBe(true);
    const note = parseCheckpoint(packet?.checkpoint ?? '');
    expect(verifyCheckpoint(note, parseVerifierKey(config.logKey))).toBe('valid');
    expect(note).toMatchObject({ origin: config.origin, size: 2 });
    expect(manifest.content.log).toMatchObject({
      ...{ origin: config.origin, start: 0, end: 2, root: note.root, through: { one: 5 } },
      config: sha256(canonicalize(config)),
    });
  });

  test('begins where the one before ended, and names it', () => {
    const { log } = open(streamConfig('alpha', {}));
    expect(log.seal()).toBeUndefined();
    expect(log.waitingSince).toBeUndefined();
    log.append(recordAt(3), { arrivedAt: 10 });
    log.append(recordAt(4), { arrivedAt: 11 });
    expect(log.waitingSince).toBe(3);
    const first = log.seal();
    expect(log.waitingSince).toBeUndefined();
    log.append(recordAt(9), { arrivedAt: 20 });
    const second = log.seal(25);
    expect(
      [first, second].map((packet) => [packet?.start, packet?.end, packet?.sealedAt, packet?.oldestArrival]),
    ).toEqual([
      [0, 3, 11, 10],
      [3, 4, 25, 20],
    ]);
    const parents = (JSON.parse(second?.manifest ?? '') as { lineage: { parents: string[] } }).lineage.parents;
    expect(parents).toEqual([first?.versionId]);
    expect(log.state).toMatchObject({ consumed: 10, head: second?.versionId, through: { one: 9 } });
    expect(log.seal()).toBeUndefined();
  });

  test('names each run of journal items once', () => {
    const { log } = open(streamConfig('alpha', {}));
    for (const position of [3, 4, 5, 8, 10, 11]) log.append(recordAt(position), { arrivedAt: 0 });
    expect(log.seal()?.placements).toEqual([
      { first: 3, count: 3, leaf: 1 },
      { first: 8, count: 1, leaf: 4 },
      { first: 10, count: 2, leaf: 5 },
    ]);
  });

  test('knows where its lines end, whatever their length and script', async () => {
    const { log, content } = open(streamConfig('alpha', {}));
    const payloads = ['', '€ 🚀', 'x'.repeat(20_000), 'é'.repeat(700_000), 'y'.repeat(3_000_000), 'z', 'ü'];
    for (const [place, text] of payloads.entries()) log.append(recordAt(place + 2, { text }), { arrivedAt: 0 });
    const packet = log.seal()!;
    await packet.durable;
    const bytes = Buffer.from(content(packet.contentHash));
    expect(sha256(bytes)).toBe(packet.contentHash);
    const ends = payloads.map((_, place) => packet.offsets.readUInt32LE(4 * (place + 1)));
    expect(ends.at(-1)).toBe(bytes.length);
    let start = packet.offsets.readUInt32LE(0);
    for (const [place, text] of payloads.entries()) {
      const line = bytes.toString('utf8', start, ends[place]);
      start = ends[place]!;
      expect(line.endsWith('\n')).toBe(true);
      expect(JSON.parse(line)).toMatchObject({ leaf: { kind: 'record', seq: place + 2 }, payload: { text } });
    }
  });

  test('is full at as many leaves as it may have', () => {
    const { log } = open(streamConfig('alpha', {}, 3));
    expect(log.full).toBe(false);
    log.append(recordAt(1), { arrivedAt: 0 });
    expect(log.full).toBe(false);
    log.append(recordAt(2), { arrivedAt: 0 });
    expect(log.full).toBe(true);
  });
});
