import { fromHex } from './bytes.ts';
import type { Manifest, ManifestSignature } from './manifest.ts';
import type { verifyEcdsa } from './signature.ts';
import { refuse } from './verdict.ts';

/** Whose valid signatures a manifest carries: keys in hex. */
export interface Signers {
  producer?: string;
  operators: string[];
}

type EcdsaVerifier = typeof verifyEcdsa;
type Check = (signature: ManifestSignature, whose: 'producer' | 'operator') => void;

// Each takes milliseconds to verify.
const MAX_ENDORSEMENTS = 16;

/**
 * Verifies every signature that is there, the producer's by the key that the manifest names. At least one has to be:
 * the producer's where a publisher is pinned (who then has to be that producer), else an operator's will do.
 */
export function checkManifestSignatures(
  manifest: Manifest,
  versionId: string,
  { publisher, verify }: { publisher: string | undefined; verify: EcdsaVerifier },
): Signers {
  const check: Check = ({ publicKey, signature }, whose) => {
    if (!verify(fromHex(versionId), fromHex(signature), fromHex(publicKey))) {
      refuse('signature-invalid', `the ${whose}'s signature does not cover the versionId`);
    }
  };
  const producer = producerKey(manifest, check);
  const operators = operatorKeys(manifest, check);
  if (publisher !== undefined && producer !== publisher) {
    refuse('signature-invalid', 'the manifest is not signed by the pinned publisher');
  }
  if (producer === undefined && operators.length === 0) refuse('signature-invalid', 'the manifest is not signed');
  return { ...(producer !== undefined && { producer }), operators };
}

function producerKey(manifest: Manifest, check: Check): string | undefined {
  const signature = manifest.signatures?.producer;
  if (signature === undefined) return undefined;
  if (signature.publicKey !== manifest.provenance.producer?.identityKey) {
    refuse('signature-invalid', "the producer's signature is not by the producer that the manifest names");
  }
  check(signature, 'producer');
  return signature.publicKey;
}

function operatorKeys(manifest: Manifest, check: Check): string[] {
  const endorsements = manifest.signatures?.endorsements;
  if (endorsements === undefined) return [];
  const keys = new Set(endorsements.map(({ publicKey }) => publicKey));
  if (keys.size !== endorsements.length || keys.size === 0 || keys.size > MAX_ENDORSEMENTS) {
    refuse('malformed', `endorsements are by 1 to ${MAX_ENDORSEMENTS} different keys`);
  }
  return endorsements.map((endorsement) => {
    // The role is not covered by any hash: with another one allowed, it could be changed unnoticed.
    if (endorsement.role !== 'operator') refuse('malformed', 'an endorsement of a packet is by the operator');
    check(endorsement, 'operator');
    return endorsement.publicKey;
  });
}
