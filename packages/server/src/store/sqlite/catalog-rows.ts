/** Rows of the catalog's tables as the values that the rest of the program knows. */
import type { Chain } from '@tidemark/proof';
import type { AdvisoryRow, CatalogProof, CatalogRow, DatasetRow } from '../catalog.ts';
import type { AnchorRow } from '../ledger.ts';
import type { Row } from './ledger-rows.ts';

export function toVersion(row: Row): CatalogRow {
  return {
    id: Number(row.id),
    versionId: String(row.version_id),
    datasetId: String(row.dataset_id),
    producer: String(row.producer),
    manifest: String(row.manifest),
    createdAt: Number(row.created_at),
    submittedAt: Number(row.submitted_at),
    description: String(row.description),
    tags: JSON.parse(String(row.tags)) as string[],
  };
}

export function toProof(row: Row): CatalogProof {
  return {
    txid: String(row.txid),
    chain: String(row.chain) as Chain,
    blockHash: String(row.block_hash),
    height: Number(row.height),
    envelope: String(row.envelope),
  };
}

/** It proves the version alone, like the anchor of a rollup. */
export function toPlace(row: Row): AnchorRow {
  const { blockHash: _, ...proof } = toProof(row);
  return { ...proof, versionId: String(row.version_id), vout: Number(row.vout), stream: '', end: 0 };
}

export function toDataset(row: Row): DatasetRow {
  return {
    datasetId: String(row.dataset_id),
    producer: String(row.producer),
    newest: String(row.newest),
    createdAt: Number(row.created_at),
  };
}

export function toAdvisory(row: Row): AdvisoryRow {
  return {
    id: Number(row.id),
    versionId: String(row.version_id),
    type: row.type as AdvisoryRow['type'],
    recalled: row.recalled === 1,
    supersededBy: textOf(row.superseded_by),
    reason: String(row.reason),
    expiresAt: row.expires_at === null ? undefined : Number(row.expires_at),
    author: String(row.author),
    signed: textOf(row.signed),
    createdAt: Number(row.created_at),
  };
}

function textOf(value: Row[string] | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}
