import { toHex, utf8 } from './bytes.ts';
import { canonicalize } from './canonical.ts';
import { ProofError } from './errors.ts';
import { sha256 } from './sha256.ts';
import { type JsonObject, Shape } from './shape.ts';
import { isRfc3339 } from './time.ts';

export const CLASSIFICATIONS = ['public', 'internal', 'restricted', 'clinical-research'] as const;
export type Classification = (typeof CLASSIFICATIONS)[number];

/** ECDSA secp256k1 over the 32 bytes of versionId: compressed key and DER, hex. */
export interface ManifestSignature {
  publicKey: string;
  signature: string;
}

export interface Endorsement extends ManifestSignature {
  role: string;
}

export interface ManifestSignatures {
  producer?: ManifestSignature;
  endorsements?: Endorsement[];
}

/** A DLM1 dataset version manifest. `content`, `lineage`, `provenance` and `policy` may carry more. */
export interface Manifest {
  type: 'datasetVersionManifest';
  datasetId: string;
  description?: string;
  content: { contentHash: string; sizeBytes?: number; mimeType?: string; [more: string]: unknown };
  lineage?: { parents: string[]; transforms?: unknown; [more: string]: unknown };
  provenance: {
    createdAt: string;
    producer?: { identityKey: string; [more: string]: unknown };
    locations?: unknown;
    [more: string]: unknown;
  };
  policy: { license: string; classification: Classification; pii_flags?: unknown; [more: string]: unknown };
  signatures?: ManifestSignatures;
  versionId?: string;
}

/** `content.log` of a packet: leaves [start, end) of the log `origin`, whose tree of `end` leaves has this root. */
export interface PacketLog {
  origin: string;
  hash: 'rfc9162-sha256';
  start: number;
  end: number;
  root: string;
  /** Every seq up to this, by source, is in [0, end). */
  through: Record<string, number>;
  /** Hash of the stream's configuration. */
  config: string;
}

const REQUIRED = ['type', 'datasetId', 'content', 'provenance', 'policy'];
const OPTIONAL = ['description', 'lineage', 'signatures', 'versionId'];
const INTEGER_LIKE = /^(?:0|[1-9]\d*)$/;

const shape = new Shape('invalid-manifest');

/**
 * The manifest, if it is well formed and hashes alike in every canonical form in use (`dlm1.md`, "versionId").
 * Throws `invalid-manifest`, `invalid-json-value`, or `versionId-mismatch` when it brings another versionId.
 */
export function parseManifest(value: unknown): Manifest {
  const manifest = shape.members(value, 'manifest', REQUIRED, OPTIONAL);
  // Also bounds the depth for the walk over the keys.
  canonicalize(manifest);
  checkKeys(manifest, true);
  shape.oneOf(manifest.type, 'type', ['datasetVersionManifest']);
  shape.text(manifest.datasetId, 'datasetId', 3);
  if (manifest.description !== undefined) shape.text(manifest.description, 'description', 0);
  checkContent(shape.object(manifest.content, 'content'));
  if (manifest.lineage !== undefined) checkLineage(shape.object(manifest.lineage, 'lineage'));
  checkProvenance(shape.object(manifest.provenance, 'provenance'));
  checkPolicy(shape.object(manifest.policy, 'policy'));
  if (manifest.signatures !== undefined) checkSignatures(manifest.signatures);
  const parsed = manifest as unknown as Manifest;
  if (parsed.versionId !== undefined && parsed.versionId !== versionId(parsed)) {
    throw new ProofError('versionId-mismatch', 'the manifest brings another versionId than its own');
  }
  return parsed;
}

/** The text that versionId hashes: RFC 8785 without `signatures` and `versionId`. */
export function manifestCanonical(manifest: Manifest): string {
  const { signatures: _, versionId: __, ...rest } = manifest;
  return canonicalize(rest);
}

/** SHA-256 of `manifestCanonical`, hex; also called the manifest hash. The manifest is one that `parseManifest` takes. */
export function versionId(manifest: Manifest): string {
  return toHex(sha256(utf8(manifestCanonical(manifest))));
}

/** `content.log` of a packet's manifest; undefined for a manifest that is not a packet's. Throws `invalid-manifest`. */
export function packetLog(manifest: Manifest): PacketLog | undefined {
  if (manifest.content.log === undefined) return undefined;
  const log = shape.object(manifest.content.log, 'content.log');
  const start = shape.integer(log.start, 'content.log.start');
  shape.integer(log.end, 'content.log.end', start + 1);
  shape.text(log.origin, 'content.log.origin');
  shape.oneOf(log.hash, 'content.log.hash', ['rfc9162-sha256']);
  shape.hex(log.root, 'content.log.root', 32);
  shape.hex(log.config, 'content.log.config', 32);
  for (const seq of Object.values(shape.object(log.through, 'content.log.through'))) {
    shape.integer(seq, 'content.log.through seq', 1);
  }
  return log as unknown as PacketLog;
}

/** Refuses the keys on which the wider ecosystem's canonical form and RFC 8785 part ways. */
function checkKeys(value: unknown, top: boolean): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (!Array.isArray(value)) checkKey(key, top);
    checkKeys(member, false);
  }
}

function checkKey(key: string, top: boolean): void {
  if (key === '__proto__' || INTEGER_LIKE.test(key)) shape.fail('a key is __proto__ or looks like an integer');
  if (!top && (key === 'signatures' || key === 'versionId')) shape.fail(`${key} below the top level`);
}

function checkContent(content: JsonObject): void {
  shape.hex(content.contentHash, 'content.contentHash', 32);
  if (content.sizeBytes !== undefined) shape.integer(content.sizeBytes, 'content.sizeBytes');
  if (content.mimeType !== undefined) shape.text(content.mimeType, 'content.mimeType');
}

function checkLineage(lineage: JsonObject): void {
  for (const parent of shape.array(lineage.parents, 'lineage.parents')) shape.hex(parent, 'lineage.parents entry', 32);
}

function checkProvenance(provenance: JsonObject): void {
  if (!isRfc3339(shape.text(provenance.createdAt, 'provenance.createdAt'))) {
    shape.fail('provenance.createdAt is not an RFC 3339 time');
  }
  if (provenance.producer === undefined) return;
  const producer = shape.object(provenance.producer, 'provenance.producer');
  shape.hex(producer.identityKey, 'provenance.producer.identityKey', 33);
}

function checkPolicy(policy: JsonObject): void {
  shape.text(policy.license, 'policy.license');
  shape.oneOf(policy.classification, 'policy.classification', CLASSIFICATIONS);
}

/** Strict to the last member: nothing here is covered by versionId. */
function checkSignatures(value: unknown): void {
  const signatures = shape.members(value, 'signatures', [], ['producer', 'endorsements']);
  if (signatures.producer !== undefined) {
    checkSignature(shape.members(signatures.producer, 'signatures.producer', ['publicKey', 'signature']));
  }
  if (signatures.endorsements === undefined) return;
  for (const entry of shape.array(signatures.endorsements, 'signatures.endorsements')) {
    const endorsement = shape.members(entry, 'signatures.endorsements entry', ['role', 'publicKey', 'signature']);
    shape.text(endorsement.role, 'endorsement.role');
    checkSignature(endorsement);
  }
}

function checkSignature(signature: JsonObject): void {
  shape.hex(signature.publicKey, 'publicKey', 33);
  shape.hex(signature.signature, 'signature');
}
