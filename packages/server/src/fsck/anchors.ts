/** Anchors: each proves its packet, or its rollup, by a block of the development chain or of the one that is followed. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Envelope, verifyEnvelope } from '@tidemark/proof';
import { followed } from '../anchor/followed.ts';
import { StoredHeaders } from '../headers/stored-headers.ts';
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

/** What anchors are held against; each undefined where there is none. */
export interface Chains {
  /** The development chain. */
  chain: DatabaseSync | undefined;
  /** The headers of the chain that is followed. */
  headers: DatabaseSync | undefined;
}

export function checkAnchors(
  ledger: DatabaseSync,
  { chain, headers: db }: Chains,
  dataDir: string,
  findings: Findings,
): void {
  const header = chain?.prepare('SELECT header FROM blocks WHERE height = ?');
  const headers = db && new StoredHeaders(dataDir, db);
  for (const row of ledger.prepare(ANCHORS).iterate()) {
    const anchor = row as unknown as AnchorRow;
    const misplaced = wrongVersion(anchor);
    if (misplaced !== undefined) findings.violation('anchor-mismatch', `anchor ${anchor.version_id}`, misplaced);
    if (anchor.chain === 'tidemark-dev' && header !== undefined) checkAnchor(anchor, header, findings);
    else if (anchor.chain === headers?.chain) checkFollowed(anchor, headers, findings);
    else {
      const file = anchor.chain === 'tidemark-dev' ? 'chain.db' : 'headers.db';
      findings.violation('chain-missing', file, `there are anchors on ${anchor.chain}, and nothing of that chain`);
      return;
    }
    findings.checked.anchors++;
  }
}

/** On a chain that others mine, whose headers may have moved on since the server looked last. */
function checkFollowed(anchor: AnchorRow, headers: StoredHeaders, findings: Findings): void {
  const { version_id: versionId, vout } = anchor;
  const where = `anchor ${versionId}`;
  const verdict = verifyEnvelope(parsed(anchor.envelope), { versionId, vout, chain: followed(headers) });
  if (verdict.valid) {
    if (verdict.txid === anchor.txid && verdict.height === anchor.height) return;
    const proven = `its envelope proves ${verdict.txid} at ${verdict.height}`;
    findings.violation('anchor-mismatch', where, `txid ${anchor.txid} at ${anchor.height}, ${proven}`);
  } else if (verdict.reason === 'unknown-block-hash') {
    findings.note('unchecked', where, 'its block is not on the best chain now; a server that looks lets go of it');
  } else findings.violation('anchor-invalid', where, `${verdict.reason}: ${verdict.detail}`);
}

function checkAnchor(anchor: AnchorRow, header: StatementSync, findings: Findings): void {
  const { version_id: versionId, vout } = anchor;
  const where = `anchor ${versionId}`;
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

function wrongVersion({ stream, end, version_stream, version_end }: AnchorRow): string | undefined {
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
