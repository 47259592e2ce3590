/** Anchors: each proves its packet, by a block that the development chain has. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Envelope, verifyEnvelope } from '@tidemark/proof';
import type { Findings } from './findings.ts';

interface AnchorRow {
  version_id: string;
  stream: string;
  end: number;
  chain: string;
  vout: number;
  txid: string;
  height: number;
  /** JSON. */
  envelope: string;
  version_stream: string | null;
  version_end: number | null;
}

// A rollup's anchor has the end 0. One that was lost proves nothing, and claims nothing.
const ANCHORS = `SELECT anchors.*, coalesce(transactions.envelope, '') AS envelope,
    coalesce(packets.stream, rollups.stream) AS version_stream,
    coalesce(packets."end", iif(rollups.stream IS NULL, NULL, 0)) AS version_end
  FROM anchors LEFT JOIN transactions USING (txid) LEFT JOIN packets USING (version_id) LEFT JOIN rollups USING (version_id)
  WHERE lost = 0 ORDER BY anchors.height, anchors.version_id`;

/** @param chain undefined where there is none */
export function checkAnchors(ledger: DatabaseSync, chain: DatabaseSync | undefined, findings: Findings): void {
  const header = chain?.prepare('SELECT header FROM blocks WHERE height = ?');
  for (const row of ledger.prepare(ANCHORS).iterate()) {
    const anchor = row as unknown as AnchorRow;
    if (header === undefined) {
      findings.violation('chain-missing', 'chain.db', 'there are anchors, and no chain that they are on');
      return;
    }
    checkAnchor(anchor, header, findings);
    findings.checked.anchors++;
  }
}

function checkAnchor(anchor: AnchorRow, header: StatementSync, findings: Findings): void {
  const { version_id: versionId, vout } = anchor;
  const where = `anchor ${versionId}`;
  const misplaced = wrongVersion(anchor);
  if (misplaced !== undefined) findings.violation('anchor-mismatch', where, misplaced);
  const envelope = parsed(anchor.envelope);
  const verdict = verifyEnvelope(envelope, { versionId, vout, chain: 'tidemark-dev' });
  if (!verdict.valid) {
    findings.violation('anchor-invalid', where, `${verdict.reason}: ${verdict.detail}`);
    return;
  }
  // That the envelope's own block is well made says nothing of whether the chain has it.
  const onChain = header.get(anchor.height)?.header;
  const { block } = envelope as Envelope;
  const has = onChain instanceof Uint8Array ? Buffer.from(onChain).toString('hex') : undefined;
  if (!('blockHeader' in block) || block.blockHeader !== has) {
    findings.violation('anchor-invalid', where, `its block is not the chain's block ${anchor.height}`);
  } else if (verdict.txid !== anchor.txid) {
    findings.violation('anchor-mismatch', where, `txid ${anchor.txid}, its envelope proves ${verdict.txid}`);
  }
}

function wrongVersion({ stream, end, chain, version_stream, version_end }: AnchorRow): string | undefined {
  if (chain !== 'tidemark-dev') return `it is on the chain ${chain}, of which nothing is stored`;
  if (version_stream === null) return 'there is no such packet or rollup';
  return stream === version_stream && end === version_end ? undefined : 'stream and end are not those of the version';
}

/** What is no JSON is no envelope either, and the verifier says so. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
