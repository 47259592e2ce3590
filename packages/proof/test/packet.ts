import { toHex } from '../src/bytes.ts';
import { canonicalize } from '../src/canonical.ts';
import { hashLeaf, type Leaf, payloadHash } from '../src/leaf.ts';
import { type Manifest, versionId } from '../src/manifest.ts';
import { inclusionProof, nodeHash, rootOf } from '../src/merkle.ts';
import { buildCheckpoint, buildEnvelope, HASH, type Json, logLeaves, ORIGIN, packetManifest, sign } from './fixture.ts';

/** The rows of complete subtrees over leaf hashes, from the leaves up. */
function rowsOf(leaves: Uint8Array[]): Uint8Array[][] {
  const rows = [leaves];
  for (let row = leaves; row.length > 1; rows.push(row)) {
    row = Array.from({ length: Math.floor(row.length / 2) }, (_, i) => nodeHash(row[2 * i]!, row[2 * i + 1]!));
  }
  return rows;
}

/** The text of a proof of each leaf of one packet of `count` leaves, anchored: records of some 130 bytes after the header. */
export function* packetProofs(count: number): Generator<string> {
  const payloads = Array.from({ length: count }, (_, i) => ({
    id: `e-${i}`,
    station: `s-${i % 50}`,
    temp: (i % 400) / 10,
    unit: 'C',
  }));
  const [header, record] = logLeaves(HASH) as [Leaf, Extract<Leaf, { kind: 'record' }>];
  const leaves = payloads.map(
    (payload, i): Leaf =>
      i === 0
        ? header
        : { ...record, seq: i, eventId: i.toString(16).padStart(32, '0'), payloadHash: payloadHash(payload) },
  );
  const rows = rowsOf(leaves.map((leaf) => hashLeaf(leaf)));
  const node = (level: number, index: number) => rows[level]![index]!;
  const root = toHex(rootOf(count, node));
  const manifest: Manifest = sign(packetManifest(count, root));
  const id = versionId(manifest);
  const shared = canonicalize({
    manifest,
    versionId: id,
    checkpoint: buildCheckpoint({ origin: ORIGIN, size: count, root }),
    anchor: { chain: 'tidemark-dev', vout: 1, envelope: buildEnvelope(id) as Json },
  });
  for (const [index, leaf] of leaves.entries()) {
    const inclusion = inclusionProof(index, count, node).map(toHex);
    const own = { format: 'tidemark-proof/1', leaf, ...(index > 0 && { payload: payloads[index] }), index, inclusion };
    yield `${canonicalize(own).slice(0, -1)},${shared.slice(1)}`;
  }
}
