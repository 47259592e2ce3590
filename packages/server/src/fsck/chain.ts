/** The development chain: blocks that follow each other, with their work done, over the transactions they are kept with. */
import type { DatabaseSync } from 'node:sqlite';
import {
  type BlockHeader,
  DEVELOPMENT_FLOOR_BITS,
  meetsTarget,
  ProofError,
  parseHeader,
  rootOfPath,
  transactionId,
} from '@tidemark/proof';
import type { Findings } from './findings.ts';

interface BlockRow {
  height: number;
  hash: string;
  header: Uint8Array;
  coinbase: Uint8Array;
  anchor: Uint8Array | null;
}

const NO_BLOCK = '00'.repeat(32);

export function checkChain(chain: DatabaseSync, findings: Findings): void {
  let height = 0;
  let previous = NO_BLOCK;
  for (const row of chain.prepare('SELECT * FROM blocks ORDER BY height').iterate()) {
    const block = row as unknown as BlockRow;
    const wrong = block.height === height ? wrongBlock(block, previous) : `block ${height} is missing before it`;
    if (wrong !== undefined) findings.violation('chain-broken', `block ${block.height}`, wrong);
    height = block.height + 1;
    previous = block.hash;
    findings.checked.blocks++;
  }
}

function wrongBlock({ hash, header: raw, coinbase, anchor }: BlockRow, previous: string): string | undefined {
  const header = parsed(raw);
  if (header === undefined) return 'its header has not 80 bytes';
  if (header.hash !== hash) return `its header has the hash ${header.hash}`;
  if (header.prevHash !== previous) return `it follows ${header.prevHash}, not the block before`;
  if (!hasWork(header)) return 'its work is not done';
  const coinbaseId = transactionId(coinbase);
  const root =
    anchor === null ? coinbaseId : rootOfPath(transactionId(anchor), [{ hash: coinbaseId, position: 'left' }]);
  return root === header.merkleRoot ? undefined : 'its transactions do not lead to the root in its header';
}

function parsed(raw: Uint8Array): BlockHeader | undefined {
  return raw.length === 80 ? parseHeader(raw) : undefined;
}

function hasWork(header: BlockHeader): boolean {
  try {
    return meetsTarget(header, DEVELOPMENT_FLOOR_BITS);
  } catch (cause) {
    // Bits that are no target.
    if (cause instanceof ProofError) return false;
    throw cause;
  }
}
