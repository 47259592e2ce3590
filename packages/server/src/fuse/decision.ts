/** What goes into a fusion decision, and what comes out of it. */
import type { JsonValue } from '../json/parse.ts';

/** A source's normalized event that competes to be the stream's record of something. */
export interface Candidate {
  source: string;
  seq: number;
  eventId: string;
  /** RFC 3339 UTC with milliseconds, so that the order of texts is the order of times. */
  eventTime: string;
  rawHash: string;
  policyHash: string;
  /** RFC 8785 text. */
  payload: string;
  payloadHash: string;
}

/** Candidates for the same key and bucket, sorted by source and seq. */
export interface Contest {
  stream: string;
  key: JsonValue;
  /** Start of the bucket as an RFC 3339 time; null where a policy has no buckets. */
  bucket: string | null;
  candidates: readonly Candidate[];
  /** Hash of the decision on the same key and bucket that this one replaces, now that late events are there. */
  supersedes: string | undefined;
}

/** How much a source's word counts: both 0 to 1. */
export interface Standing {
  /** As declared. */
  trust: number;
  /** As earned: the share of past outcomes that it agreed with. */
  reputation: number;
}

export interface Decision {
  /** `quarantined`: no quorum, and the policy wants all candidates held back. */
  outcome: 'resolved' | 'unresolved' | 'quarantined';
  /** RFC 8785 text of the stream's record; `null` when unresolved, undefined when quarantined. */
  payload: string | undefined;
  /**
   * Sources whose word agreed with the outcome, and those whose word did not, both sorted; neither, where nothing was
   * decided or nobody else said anything of the same.
   */
  agreed: string[];
  disagreed: string[];
  /** The sources did not all say the same, within the tolerance. */
  conflict: boolean;
  /** RFC 8785 text of the audit entry: everything that the decision hung on, and the reason in words. */
  audit: string;
}
