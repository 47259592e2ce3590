/** Sources and streams as the operator declares them, and as the journal keeps them. */
import type { MappingPolicy } from './normalize/policy.ts';

export type Classification = 'public' | 'internal' | 'restricted' | 'clinical-research';

/** When a packet is sealed: at `maxEvents` leaves, or `maxAgeMs` after the first event that waits. */
export interface PublishPolicy {
  mode: 'live' | 'batch';
  maxEvents: number;
  maxAgeMs: number;
}

export const PUBLISH_DEFAULTS: Record<PublishPolicy['mode'], PublishPolicy> = {
  live: { mode: 'live', maxEvents: 10_000, maxAgeMs: 100 },
  batch: { mode: 'batch', maxEvents: 100_000, maxAgeMs: 60_000 },
};

export interface Source {
  id: string;
  name?: string;
  stream: string;
  /** `bearer`: the source's secret as `Authorization: Bearer`; `none`: open. */
  auth: 'bearer' | 'none';
  enabled: boolean;
  /** `content`: events without an id or a time are duplicates when their content is the same. */
  dedup: 'id' | 'content';
  policy: MappingPolicy;
}

export interface Stream {
  id: string;
  datasetId: string;
  description?: string;
  publish: PublishPolicy;
  policy: { license: string; classification: Classification };
}

/**
 * Everything that decides what a stream's packets contain. It is journaled before the first event it applies to, and
 * its hash is `content.log.config` of each manifest.
 */
export interface StreamConfig extends Stream {
  /** Origin of the stream's log, and the name of its checkpoint key. */
  origin: string;
  /** Identity key that signs the manifests: 33-byte compressed secp256k1 key, hex. */
  publisher: string;
  /** C2SP verifier key that signs the checkpoints. */
  logKey: string;
  /** Mapping policy of each source that feeds the stream. */
  sources: Record<string, MappingPolicy>;
}
