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
import { LogError } from './errors.ts';

/** @throws LogError unless the manifest is of the packet that the checkpoint ends, and signed by the publisher */
export function checkPublisher(stream: string, value: unknown, note: SignedCheckpoint, publisher: string): void {
  const { manifest, log } = read(stream, value);
  if (log === undefined || log.origin !== note.origin || log.end !== note.size || log.root !== note.root) {
    throw new LogError('root-mismatch', 'the newest manifest is not of the tree that the checkpoint signs', { stream });
  }
  const signed = manifest.signatures?.producer;
  const own = signed?.publicKey === publisher && manifest.provenance.producer?.identityKey === publisher;
  if (!own || !verifyEcdsa(fromHex(versionId(manifest)), fromHex(signed.signature), fromHex(publisher))) {
    throw new LogError('signature-invalid', 'the newest manifest is not signed by the pinned publisher', { stream });
  }
}

function read(stream: string, value: unknown): { manifest: Manifest; log: PacketLog | undefined } {
  try {
    const manifest = parseManifest(value);
    return { manifest, log: packetLog(manifest) };
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new LogError('malformed', `the manifest: ${cause.message}`, { stream, cause });
  }
}
