/** Packets as a server with a defect would seal them: not what they should be, and signed all the same. */
import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  canonicalize,
  Frontier,
  leafHash,
  type Manifest,
  signCheckpoint,
  toHex,
  verifierKey,
  versionId,
} from '@tidemark/proof';
import { openKeys } from '../../src/keys.ts';
import { PacketFiles } from '../../src/store/packets.ts';
import type { Copy } from './made.ts';

export interface Sealing {
  /** Lines of the content, without their newlines. */
  lines: string[];
  manifest: Manifest & { content: { log: Record<string, unknown> } };
}

const HASH_BYTES = 32;

/**
 * Seals the last packet of a stream of fewer than 256 leaves once more, after `change` has had its way with it.
 * Content, hashes, tree, tile, signatures, checkpoint and the ledger's names for it are made to fit.
 */
export function resealLast(copy: Copy, stream: string, change: (sealing: Sealing) => void): void {
  const keys = openKeys(copy.dir, false);
  const row = copy.find('SELECT * FROM packets WHERE stream = ? ORDER BY "end" DESC', stream);
  const files = new PacketFiles(copy.dir);
  const content = files.read(String(row.content_hash), 0, sizeOf(row)).toString();
  const sealing: Sealing = { lines: content.split('\n').slice(0, -1), manifest: JSON.parse(String(row.manifest)) };
  const tile = copy.find('SELECT hashes FROM tiles WHERE stream = ? AND level = 0', stream).hashes as Uint8Array;
  const rootOf = (lines: readonly string[]) => {
    const tree = new Frontier();
    for (let at = 0; at < Number(row.start); at++) tree.append(tile.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES));
    for (const [place, line] of lines.slice(0, Number(row.end) - Number(row.start)).entries()) {
      const leaf = leafHash(Buffer.from(leafTextOf(line)));
      tile.set(leaf, (Number(row.start) + place) * HASH_BYTES);
      tree.append(leaf);
    }
    return toHex(tree.root());
  };
  change(sealing);
  const { lines, manifest } = sealing;
  const { log } = manifest.content;
  if (log.root === JSON.parse(String(row.manifest)).content.log.root) log.root = rootOf(lines);
  const text = lines.map((line) => `${line}\n`).join('');
  manifest.content.contentHash = hash('sha256', text, 'hex');
  manifest.content.sizeBytes = Buffer.byteLength(text);
  const id = versionId(manifest);
  const signature = keys.identity.sign(Buffer.from(id, 'hex')).toString('hex');
  manifest.signatures = { producer: { publicKey: keys.identity.publicKey, signature } };
  const path = files.path(manifest.content.contentHash);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  const origin = String(log.origin);
  const checkpoint = signCheckpoint(
    { origin, size: Number(row.end), root: String(log.root) },
    verifierKey(origin, keys.log.publicKey),
    (message) => keys.log.sign(message),
  );
  copy.ledger(
    'UPDATE packets SET version_id = ?, content_hash = ?, manifest = ?, checkpoint = ?, offsets = ? WHERE version_id = ?',
    ...[
      id,
      manifest.content.contentHash,
      JSON.stringify(manifest),
      checkpoint,
      offsetsOf(lines),
      String(row.version_id),
    ],
  );
  copy.ledger('UPDATE entries SET version_id = ? WHERE version_id = ?', id, String(row.version_id));
  copy.ledger('UPDATE streams SET head = ? WHERE stream = ?', id, stream);
  copy.ledger('UPDATE tiles SET hashes = ? WHERE stream = ? AND level = 0', tile, stream);
}

function sizeOf(row: Record<string, unknown>): number {
  return (JSON.parse(String(row.manifest)) as Manifest).content.sizeBytes ?? 0;
}

/** The leaf of a line in canonical form, or whatever stands there. */
function leafTextOf(line: string): string {
  try {
    return canonicalize(JSON.parse(line).leaf);
  } catch {
    return line;
  }
}

function offsetsOf(lines: readonly string[]): Buffer {
  const offsets = Buffer.alloc(4 * lines.length);
  let end = 0;
  for (const [place, line] of lines.entries()) {
    end += Buffer.byteLength(line) + 1;
    offsets.writeUInt32LE(end, 4 * place);
  }
  return offsets;
}
