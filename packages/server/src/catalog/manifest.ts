/** Manifests from outside: well formed, within bounds, and signed by whom they name. */
import {
  canonicalize,
  fromHex,
  MAX_JSON_DEPTH,
  type Manifest,
  type ManifestSignature,
  ProofError,
  parseManifest,
  versionId,
} from '@tidemark/proof';
import { parseRfc3339 } from '../json/time.ts';
import { nativeVerifyEcdsa } from '../native.ts';
import type { CatalogVersion } from '../store/catalog.ts';
import { CatalogError } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface AcceptedManifest extends CatalogVersion {
  parents: readonly string[];
}

/**
 * @param value as parsed from JSON
 * @throws CatalogError `invalid-manifest`, `versionId-mismatch`, `producer-unproven`
 */
export function acceptManifest(value: unknown): AcceptedManifest {
  if (!fits(value, LIMITS.manifestBytes)) invalid(`it is longer than ${LIMITS.manifestBytes} bytes, or too deep`);
  const manifest = readManifest(value);
  const id = versionId(manifest);
  checkBounds(manifest);
  checkSignatures(manifest, id);
  const text = canonicalize(manifest);
  if (Buffer.byteLength(text) > LIMITS.manifestBytes) invalid(`it is longer than ${LIMITS.manifestBytes} bytes`);
  return {
    versionId: id,
    datasetId: manifest.datasetId,
    producer: manifest.provenance.producer?.identityKey ?? '',
    manifest: text,
    createdAt: createdAtOf(manifest),
    description: manifest.description ?? '',
    tags: tagsOf(manifest),
    parents: manifest.lineage?.parents ?? [],
  };
}

/** Whether the texts and members in it can be within the bound: hashing what is far beyond it would take long. */
function fits(value: unknown, maxBytes: number): boolean {
  let left = maxBytes;
  const count = (part: unknown, depth: number): boolean => {
    left -= typeof part === 'string' ? part.length + 2 : 2;
    if (left < 0 || depth > MAX_JSON_DEPTH) return false;
    if (typeof part !== 'object' || part === null) return true;
    return Object.entries(part).every(([key, member]) => {
      left -= Array.isArray(part) ? 0 : key.length;
      return count(member, depth + 1);
    });
  };
  return count(value, 0);
}

function readManifest(value: unknown): Manifest {
  try {
    return parseManifest(value);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    if (cause.code === 'versionId-mismatch') {
      throw new CatalogError('versionId-mismatch', 'leave versionId out, or correct it', { cause });
    }
    throw new CatalogError('invalid-manifest', cause.message, { cause });
  }
}

function checkBounds({ datasetId, description, lineage }: Manifest): void {
  if (datasetId.length > LIMITS.datasetIdLength) {
    invalid(`datasetId is longer than ${LIMITS.datasetIdLength} characters`);
  }
  if ((description?.length ?? 0) > LIMITS.descriptionLength) {
    invalid(`description is longer than ${LIMITS.descriptionLength} characters`);
  }
  const parents = lineage?.parents ?? [];
  if (parents.length > LIMITS.parents) invalid(`it has more than ${LIMITS.parents} parents`);
  if (new Set(parents).size !== parents.length) invalid('it names a parent twice');
}

/** Whoever is named as the producer has signed; endorsements, which anybody may add, are by the keys that they name. */
function checkSignatures({ provenance, signatures }: Manifest, id: string): void {
  const producer = provenance.producer?.identityKey;
  const signature = signatures?.producer;
  if (producer !== undefined && (signature?.publicKey !== producer || !covers(signature, id))) {
    throw new CatalogError(
      'producer-unproven',
      'the manifest names a producer: sign the 32 bytes of its versionId with that key, as signatures.producer',
      { extra: { versionId: id, producer } },
    );
  }
  if (producer === undefined && signature !== undefined) invalid('it is signed by a producer that it does not name');
  const endorsements = signatures?.endorsements ?? [];
  if (endorsements.length > LIMITS.endorsements) invalid(`it has more than ${LIMITS.endorsements} endorsements`);
  if (!endorsements.every((endorsement) => covers(endorsement, id))) {
    invalid('the signature of an endorsement does not cover its versionId');
  }
}

function covers({ publicKey, signature }: ManifestSignature, id: string): boolean {
  return nativeVerifyEcdsa(fromHex(id), fromHex(signature), fromHex(publicKey));
}

/** A second that a leap adds counts as the one before it. */
function createdAtOf({ provenance: { createdAt } }: Manifest): number {
  const time = parseRfc3339(createdAt) ?? parseRfc3339(createdAt.replace(/:60(?=[.zZ+-])/, ':59'));
  if (time === undefined) return invalid('provenance.createdAt is not within the years 0001 to 9999');
  return time;
}

/** `content.tags`, where it is a list of texts; whatever else stands there is the manifest's own affair. */
export function tagsOf({ content }: Pick<Manifest, 'content'>): string[] {
  if (!Array.isArray(content.tags)) return [];
  const usable = content.tags.filter((tag): tag is string => typeof tag === 'string' && isTag(tag));
  return [...new Set(usable)].slice(0, LIMITS.tags);
}

function isTag(tag: string): boolean {
  return tag.trim() !== '' && tag.length <= LIMITS.tagLength;
}

function invalid(why: string): never {
  throw new CatalogError('invalid-manifest', `this is no manifest to be taken: ${why}`);
}
