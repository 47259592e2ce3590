/** Who is at odds with a decision, as far as its audit entry tells. */
import { agree, type Tolerance } from '../../fuse/agreement.ts';
import { resultOf } from '../../read/audit.ts';
import type { CandidateItem, DecisionItem } from '../../read/decisions.ts';

/**
 * Sources whose word is at odds with the record; none, where there is none.
 * @param tolerance of the policy that decided
 */
export function dissenters(item: DecisionItem, tolerance: Tolerance | undefined): Set<string> {
  if (!item.conflict || item.outcome !== 'resolved') return new Set();
  if (item.fields !== undefined) return new Set(item.fields.flatMap(({ disagreed }) => disagreed));
  const winner = item.candidates.find(({ sourceId, seq }) => resultOf(item, sourceId, seq) === 'winner');
  const others = item.candidates.filter((candidate) => candidate.voice && !agrees(candidate, winner, tolerance));
  return new Set(others.map(({ sourceId }) => sourceId));
}

function agrees(candidate: CandidateItem, winner: CandidateItem | undefined, tolerance: Tolerance | undefined) {
  // Values that are too long for the audit entry can be told apart, but not how far apart they are.
  if (candidate.values === undefined || winner?.values === undefined) {
    return candidate.contentHash === winner?.contentHash;
  }
  return agree(candidate.values, winner.values, tolerance);
}
