/** Rows of the ledger's tables as the values that the rest of the program knows. */
import type { SQLOutputValue } from 'node:sqlite';
import type { Chain } from '@tidemark/proof';
import { StoreError } from '../errors.ts';
import type { AnchorRow, DecisionRow, OpenBatch, PacketRow, QuarantineRow, StreamRow } from '../ledger.ts';

export type Row = Record<string, SQLOutputValue>;

export function toBuffer(value: SQLOutputValue | undefined): Buffer {
  if (!(value instanceof Uint8Array)) throw new StoreError('damaged', 'bytes are missing from the ledger');
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function toStream(row: Row): StreamRow {
  return {
    stream: String(row.stream),
    consumed: Number(row.consumed),
    size: Number(row.size),
    head: row.head === null ? undefined : String(row.head),
    through: JSON.parse(String(row.through)) as Record<string, number>,
    rolledUp: Number(row.rolled_up),
    config: String(row.config),
    batch: row.batch === null ? undefined : (JSON.parse(String(row.batch)) as OpenBatch),
  };
}

export function toPacket(row: Row): PacketRow {
  return {
    stream: String(row.stream),
    start: Number(row.start),
    end: Number(row.end),
    versionId: String(row.version_id),
    contentHash: String(row.content_hash),
    manifest: String(row.manifest),
    checkpoint: String(row.checkpoint),
    sealedAt: Number(row.sealed_at),
  };
}

export function toAnchor(row: Row): AnchorRow {
  return {
    versionId: String(row.version_id),
    stream: String(row.stream),
    end: Number(row.end),
    chain: row.chain as Chain,
    vout: Number(row.vout),
    txid: String(row.txid),
    height: Number(row.height),
    envelope: String(row.envelope),
  };
}

export function toDecision(row: Row): DecisionRow {
  return {
    id: Number(row.id),
    stream: String(row.stream),
    leaf: Number(row.leaf),
    eventId: String(row.event_id),
    decision: String(row.decision),
    conflict: row.conflict === 1,
    audit: String(row.audit),
  };
}

export function toQuarantined(row: Row): QuarantineRow {
  return {
    position: Number(row.position),
    stream: String(row.stream),
    leaf: Number(row.leaf),
    reasons: JSON.parse(String(row.reasons)) as string[],
  };
}
