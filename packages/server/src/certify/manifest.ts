/** The DLM1 manifests of packets and rollups. See `contracts/dlm1.md` and, for `content.log`, `contracts/log.md`. */
import { hash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import type { EventWindow, RollupWindow } from '../event.ts';
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
  /** Where the packet was cut in event time. */
  window: EventWindow | undefined;
}

export interface RollupFacts {
  /** Leaves that it covers. */
  start: number;
  end: number;
  window: RollupWindow;
  /** Tag of the batch whose leaves they are. */
  batch?: string;
  contentHash: string;
  sizeBytes: number;
  /** versionIds of the packets that it covers, in log order. */
  parents: string[];
}

export interface SignedManifest {
  versionId: string;
  /** JSON text, with signatures. */
  manifest: string;
}

/** Signs with this publisher's key, and throws where it is not at hand: DER, low-S, RFC 6979, hex. */
export type SignVersion = (publisher: string, versionId: Buffer) => string;

export function signedManifest(config: StreamConfig, packet: PacketFacts, sign: SignVersion): SignedManifest {
  const content = {
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
    ...(packet.window === undefined ? {} : { window: windowOf(packet.window) }),
  };
  const parents = packet.parent === undefined ? [] : [packet.parent];
  return signedVersion(config, { content, parents, createdAt: packet.sealedAt }, sign);
}

export function signedRollup(config: StreamConfig, rollup: RollupFacts, sign: SignVersion): SignedManifest {
  const { start, end, window, batch, contentHash, sizeBytes, parents } = rollup;
  const extent = { start, end, window: boundsOf(window), ...(batch === undefined ? {} : { batch }) };
  const content = {
    contentHash,
    sizeBytes,
    mimeType: 'application/json',
    rollup: { origin: config.origin, ...extent, config: configHash(config) },
  };
  return signedVersion(config, { content, parents, createdAt: window.end }, sign);
}

interface Version {
  content: object;
  parents: string[];
  /** Milliseconds since 1970. */
  createdAt: number;
}

function signedVersion(
  config: StreamConfig,
  { content, parents, createdAt }: Version,
  sign: SignVersion,
): SignedManifest {
  const manifest = {
    type: 'datasetVersionManifest',
    datasetId: config.datasetId,
    ...(config.description === undefined ? {} : { description: config.description }),
    content,
    lineage: { parents },
    provenance: {
      createdAt: new Date(createdAt).toISOString(),
      producer: { identityKey: config.publisher },
    },
    policy: config.policy,
  };
  const versionId = hash('sha256', canonicalize(manifest), 'hex');
  const signature = sign(config.publisher, Buffer.from(versionId, 'hex'));
  const signatures = { producer: { publicKey: config.publisher, signature } };
  return { versionId, manifest: canonicalize({ ...manifest, signatures }) };
}

/** A record whose event time is before the window's start came too late for its own. */
function windowOf(window: EventWindow): object {
  const bounds = boundsOf(window);
  return window.correction ? { ...bounds, correction: true } : bounds;
}

function boundsOf({ start, end }: RollupWindow): { start: string; end: string } {
  return { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
}

export function configHash(config: StreamConfig): string {
  return hash('sha256', canonicalize(config), 'hex');
}
