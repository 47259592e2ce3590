/** What the newest packet's manifest claims of the log, once it is known to be of its publisher, and signed. */
import {
  fromHex,
  type Manifest,
  type PacketLog,
  ProofError,
  packetLog,
  parseManifest,
  type SignedCheckpoint,
  verifyEcdsa,
  versionId,
} from '@tidemark/proof';
import { AuditError } from './findings.ts';

/**
 * @param publishersSince identity keys that may have signed the packet which begins at this leaf
 * @throws AuditError unless the manifest is of the packet that the checkpoint ends, and of one of these publishers
 */
export function signedClaim(
  value: unknown,
  note: SignedCheckpoint,
  publishersSince: (start: number) => string[],
): PacketLog {
  const { manifest, log } = readManifest(value);
  if (log === undefined || log.origin !== note.origin || log.end !== note.size || log.root !== note.root) {
    throw new AuditError('root-mismatch', 'the newest manifest is not of the tree that the checkpoint signs');
  }
  const identity = manifest.provenance.producer?.identityKey;
  const publishers = publishersSince(log.start);
  if (identity === undefined || !publishers.includes(identity)) {
    const of = publishers.at(-1) ?? 'nobody';
    throw new AuditError('bad-signature', `the newest manifest is of ${identity ?? 'nobody'}, the log of ${of}`);
  }
  if (!isSigned(manifest, identity)) {
    throw new AuditError('bad-signature', 'the newest manifest is not signed, or a signature of it is not valid');
  }
  return log;
}

/** By its publisher or an operator; every signature that is there has to be valid. */
function isSigned(manifest: Manifest, publisher: string): boolean {
  const { producer, endorsements = [] } = manifest.signatures ?? {};
  if (producer !== undefined && producer.publicKey !== publisher) return false;
  const signatures = producer === undefined ? endorsements : [producer, ...endorsements];
  const id = fromHex(versionId(manifest));
  const valid = signatures.every((one) => verifyEcdsa(id, fromHex(one.signature), fromHex(one.publicKey)));
  return valid && signatures.length > 0;
}

function readManifest(value: unknown): { manifest: Manifest; log: PacketLog | undefined } {
  try {
    const manifest = parseManifest(value);
    return { manifest, log: packetLog(manifest) };
  } catch (cause) {
    if (cause instanceof ProofError) throw new AuditError('malformed', `the manifest: ${cause.message}`, { cause });
    throw cause;
  }
}
