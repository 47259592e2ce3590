/** What the pipeline leaves behind, to compare and to verify; and events for it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  hashLeaf,
  inclusionProof,
  type Leaf,
  packetLog,
  parseCheckpoint,
  parseLeaf,
  parseManifest,
  parseVerifierKey,
  rootOf,
  toHex,
  verifyCheckpoint,
  verifyInclusion,
  versionId,
} from '@tidemark/proof';
import { expect } from 'vitest';
import type { MappingPolicy } from '../../src/normalize/policy.ts';
import { TileNodes } from '../../src/read/tile-nodes.ts';
import type { PacketRow } from '../../src/store/ledger.ts';
import type { StreamConfig } from '../../src/stream.ts';
import type { Raw } from './journal.ts';
import { streamConfig } from './node.ts';
import type { Works } from './passage.ts';

/** Streams, and the sources that feed them. */
export const SOURCES: Record<string, string[]> = { alpha: ['one', 'two'], beta: ['three'], gamma: ['four'] };

export function configOf(stream: string, maxEvents: number, policy: MappingPolicy): StreamConfig {
  return streamConfig(stream, Object.fromEntries(SOURCES[stream]!.map((source) => [source, policy])), maxEvents);
}

export const raw = (id: number, t?: number): Raw => ({
  id: `${id}`,
  text: JSON.stringify({ id, ts: '2026-03-01T12:00:00Z', t }),
});
export const raws = (count: number, from = 1) => Array.from({ length: count }, (_, place) => raw(from + place, place));

/** All that the ledger says, and the contents of its packets. */
export function everything({ journal, ledger, files }: Works): object {
  const entries = ledger.read(1, 100_000);
  const positions = Array.from({ length: journal.next }, (_, position) => position);
  const streams = ledger.streams();
  return {
    entries,
    streams,
    cursor: ledger.cursor(),
    places: positions.map((position) => ledger.placement(position)),
    reasons: positions.map((position) => ledger.reasons(position)),
    tiles: streams.map(({ stream }) => [ledger.tile(stream, 0, 0), ledger.tile(stream, 1, 0)]),
    contents: entries.map(({ packet }) => readFileSync(files.path(packet.contentHash), 'utf8')),
  };
}

export const packetsOf = ({ ledger }: Works, stream: string) => ledger.packetsFrom(stream, 0, 100_000);

/** Checks each packet of a stream as a stranger would, with the verifier's code alone. */
export function verifyStream(works: Works, stream: string): void {
  const leaves: Uint8Array[] = [];
  let parent: string | undefined;
  for (const packet of packetsOf(works, stream)) {
    const content = readFileSync(works.files.path(packet.contentHash));
    expect(createHash('sha256').update(content).digest('hex')).toBe(packet.contentHash);
    const lines = content
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { leaf: unknown });
    for (const line of lines) leaves.push(hashLeaf(parseLeaf(line.leaf)));
    verifyPacket(works, packet, leaves, parent);
    parent = packet.versionId;
  }
}

function verifyPacket({ ledger }: Works, packet: PacketRow, leaves: Uint8Array[], parent: string | undefined): void {
  const manifest = parseManifest(JSON.parse(packet.manifest));
  expect(versionId(manifest)).toBe(packet.versionId);
  expect(manifest.lineage?.parents).toEqual(parent === undefined ? [] : [parent]);
  const log = packetLog(manifest);
  expect(log).toMatchObject({ start: packet.start, end: leaves.length });
  expect(packet.end).toBe(leaves.length);
  const root = rootOf(leaves.length, (level, index) => subtree(leaves, level, index));
  const note = parseCheckpoint(packet.checkpoint);
  expect([log?.root, note.root]).toEqual([toHex(root), toHex(root)]);
  const { logKey } = JSON.parse(ledger.stream(packet.stream)!.config) as StreamConfig;
  expect(verifyCheckpoint(note, parseVerifierKey(logKey))).toBe('valid');
  const nodes = new TileNodes(ledger, packet.stream);
  for (let index = packet.start; index < packet.end; index++) {
    const path = inclusionProof(index, packet.end, (level, at) => nodes.read(level, at));
    expect(verifyInclusion(index, packet.end, leaves[index]!, path, root)).toBe(true);
  }
}

function subtree(leaves: readonly Uint8Array[], level: number, index: number): Uint8Array {
  if (level === 0) return leaves[index]!;
  const pair = Buffer.concat([subtree(leaves, level - 1, 2 * index), subtree(leaves, level - 1, 2 * index + 1)]);
  return createHash('sha256')
    .update(Buffer.concat([Buffer.of(1), pair]))
    .digest();
}

/** All lines of a stream's packets. */
export function everyLine(works: Works, stream: string): { leaf: Leaf; payload?: unknown }[] {
  return packetsOf(works, stream).flatMap(({ contentHash }) => {
    const lines = readFileSync(works.files.path(contentHash), 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as { leaf: Leaf; payload?: unknown });
  });
}
