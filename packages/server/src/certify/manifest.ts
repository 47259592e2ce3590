/** The DLM1 manifest of a packet. See `contracts/dlm1.md` and, for `content.log`, `contracts/log.md`. */
import { hash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import type { StreamConfig } from '../stream.ts';

export interface PacketFacts {
  start: number;
  end: number;
  /** Root of the tree of size `end`, hex. */
  root: string;
  through: Record<string, number>;
  contentHash: string;
  sizeBytes: number;
  /** versionId of the packet before. */
  parent: string | undefined;
  sealedAt: number;
}

export interface SignedManifest {
  versionId: string;
  /** JSON text, with signatures. */
  manifest: string;
}

/** Signs with this publisher's key, and throws where it is not at hand: DER, low-S, RFC 6979, hex. */
export type SignVersion = (publisher: string, versionId: Buffer) => string;

export function signedManifest(config: StreamConfig, packet: PacketFacts, sign: SignVersion): SignedManifest {
  const manifest = {
    type: 'datasetVersionManifest',
    datasetId: config.datasetId,
    ...(config.description === undefined ? {} : { description: config.description }),
    content: {
      contentHash: packet.contentHash,
      sizeBytes: packet.sizeBytes,
      mimeType: 'application/x-ndjson',
      log: {
        origin: config.origin,
        hash: 'rfc9162-sha256',
        start: packet.start,
        end: packet.end,
        root: packet.root,
        through: packet.through,
        config: configHash(config),
      },
    },
    lineage: { parents: packet.parent === undefined ? [] : [packet.parent] },
    provenance: {
      createdAt: new Date(packet.sealedAt).toISOString(),
      producer: { identityKey: config.publisher },
    },
    policy: config.policy,
  };
  const versionId = hash('sha256', canonicalize(manifest), 'hex');
  const signature = sign(config.publisher, Buffer.from(versionId, 'hex'));
  const signatures = { producer: { publicKey: config.publisher, signature } };
  return { versionId, manifest: canonicalize({ ...manifest, signatures }) };
}

export function configHash(config: StreamConfig): string {
  return hash('sha256', canonicalize(config), 'hex');
}
