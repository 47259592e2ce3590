/** Sources and streams as the operator declares them, and as the journal keeps them. */
import type { FusionPolicy } from './fuse/policy.ts';
import type { MappingPolicy } from './normalize/policy.ts';

export type Classification = 'public' | 'internal' | 'restricted' | 'clinical-research';

/** When a packet is sealed: at `maxEvents` leaves, or `maxAgeMs` after the first event that waits. */
export interface PublishPolicy {
  mode: 'live' | 'batch';
  maxEvents: number;
  maxAgeMs: number;
  /** Packets are cut at multiples of this in event time instead, and at `maxEvents` within a window. */
  windowMs?: number;
}

/** How a stream that fuses its sources, or is cut in event time, waits for its events. */
export interface OrderPolicy {
  /** Allowed lateness: an event may be so much older than the newest of its source. */
  bufferMs: number;
  /** A source that sends nothing for so long is not waited for. */
  idleMs: number;
  /** An event may claim to be so far ahead of its arrival. */
  futureMs: number;
  /**
   * Events that come later than allowed: `next`: into the next packet, marked by its window; `correct`: a packet of
   * their own, or a decision that replaces the earlier one; `quarantine`.
   */
  late: 'next' | 'correct' | 'quarantine';
}

/** How the packets of a stream that is cut in event time are rolled up. */
export interface RollupPolicy {
  /** A multiple of `publish.windowMs`. */
  windowMs: number;
  /** Paths in payloads whose numbers are aggregated. */
  fields: string[];
  /** Each 0 to 1, with at most six decimals. */
  quantiles: number[];
}

export const ORDER_DEFAULTS = { bufferMs: 750, idleMs: 5000, futureMs: 60_000 };

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
  /**
   * `content`: events without an id or a time are duplicates when their content is the same; `first`: an id that is
   * known is a duplicate, whatever it says.
   */
  dedup: 'id' | 'content' | 'first';
  /** How much its word counts where sources are fused: 0 to 1. */
  trust: number;
  policy: MappingPolicy;
}

export interface Stream {
  id: string;
  datasetId: string;
  description?: string;
  publish: PublishPolicy;
  /** Present where packets are cut in event time or sources are fused. */
  order?: OrderPolicy;
  fusion?: FusionPolicy;
  /** Only where packets are cut in event time. */
  rollup?: RollupPolicy;
  /** Events can be erased: their hashes are salted, and their payloads are not in the packets. Stays as it is. */
  salted?: true;
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
  /** Trust weight of each source, 0 to 1; present where sources are fused. */
  trust?: Record<string, number>;
}
