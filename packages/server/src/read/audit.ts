/** The audit entry of a fusion decision, as `fuse/audit.ts` writes it. */
import type { JsonValue } from '../json/parse.ts';

/** A candidate's source and seq. */
export type Name = [source: string, seq: number];

export interface AuditCandidate {
  source: string;
  seq: number;
  eventId: string;
  eventTime: string;
  rawHash: string;
  policyHash: string;
  /** Of its normalized payload. */
  contentHash: string;
  /** false: its source's other event spoke in its place. */
  voice: boolean;
  trust: number;
  reputation: number;
  weight: number;
  /** The normalized payload, unless it is too long for the entry. */
  values?: JsonValue;
  valuesOmitted?: true;
}

/** A field that the sources do not all say the same of, or that has no quorum. */
export interface AuditField {
  field: string;
  rule: string;
  winner: Name | null;
  tieBreaker?: string;
  votes: number;
  of: number;
  disagreed: string[];
}

export interface Audit {
  v: 1;
  stream: string;
  key: JsonValue;
  /** Start of the bucket; null where a policy has no buckets. */
  bucket: string | null;
  policyHash: string;
  strategy: string;
  rule: string;
  tieBreaker?: string;
  /** Sorted by source and seq. */
  candidates: AuditCandidate[];
  /** null where nothing was decided, and where each field was decided by itself. */
  winner: Name | null;
  losers: Name[];
  fields?: AuditField[];
  fieldsOmitted?: number;
  outcome: 'resolved' | 'unresolved' | 'quarantined';
  reason: string;
  supersedes?: string;
}

export function parseAudit({ audit }: { audit: string }): Audit {
  return JSON.parse(audit) as Audit;
}

/** The source whose word became the record; null where it is nobody's alone. */
export function winnerOf({ winner }: Audit): string | null {
  return winner?.[0] ?? null;
}

export function sourcesOf({ candidates }: Audit): string[] {
  return [...new Set(candidates.map(({ source }) => source))];
}

/**
 * What became of a candidate. `agreed`: each field was decided by itself, and it is at odds with none of them;
 * `undecided`: so is the whole.
 */
export function resultOf(
  { outcome, winner, losers }: Pick<Audit, 'outcome' | 'winner' | 'losers'>,
  source: string,
  seq: number,
): 'winner' | 'loser' | 'agreed' | 'undecided' {
  const named = (name: Name | null) => name !== null && name[0] === source && name[1] === seq;
  if (outcome !== 'resolved') return 'undecided';
  if (named(winner)) return 'winner';
  return losers.some(named) ? 'loser' : 'agreed';
}
