/** What became of many decisions, by rule and by source. */
import type { Tolerance } from '../../fuse/agreement.ts';
import { resultOf } from '../../read/audit.ts';
import type { CandidateItem, DecisionItem } from '../../read/decisions.ts';
import { dissenters } from './dissenters.ts';

export interface RuleCount {
  decisions: number;
  conflicts: number;
}

export interface SourceCount {
  /** In which it had a say. */
  decisions: number;
  /** The record is its word; where each field is decided by itself, one of those in question is. */
  won: number;
  /** The record is another's word; where each field is decided by itself, one of them is at odds with its own. */
  lost: number;
  /** Its word is not within the tolerance of the record. */
  disagreed: number;
}

export class Tally {
  decisions = 0;
  conflicts = 0;
  /** Decisions that replace an earlier one. */
  corrections = 0;
  readonly outcomes: Record<DecisionItem['outcome'], number> = { resolved: 0, unresolved: 0, quarantined: 0 };
  readonly rules = new Map<string, RuleCount>();
  readonly sources = new Map<string, SourceCount>();

  /** @param tolerance of the policy that decided */
  add(item: DecisionItem, tolerance: Tolerance | undefined): void {
    this.decisions++;
    if (item.conflict) this.conflicts++;
    if (item.supersedes !== undefined) this.corrections++;
    this.outcomes[item.outcome]++;
    const rule = entry(this.rules, item.rule, () => ({ decisions: 0, conflicts: 0 }));
    rule.decisions++;
    if (item.conflict) rule.conflicts++;
    const disagreed = dissenters(item, tolerance);
    for (const candidate of item.candidates) {
      if (!candidate.voice) continue;
      const source = entry(this.sources, candidate.sourceId, () => ({ decisions: 0, won: 0, lost: 0, disagreed: 0 }));
      source.decisions++;
      if (hasWon(item, candidate)) source.won++;
      if (resultOf(item, candidate.sourceId, candidate.seq) === 'loser') source.lost++;
      if (disagreed.has(candidate.sourceId)) source.disagreed++;
    }
  }
}

function hasWon(item: DecisionItem, { sourceId, seq }: CandidateItem): boolean {
  if (resultOf(item, sourceId, seq) === 'winner') return true;
  return item.outcome === 'resolved' && (item.fields ?? []).some(({ winner }) => winner?.[0] === sourceId);
}

function entry<T>(counts: Map<string, T>, name: string, make: () => T): T {
  const known = counts.get(name);
  if (known !== undefined) return known;
  const made = make();
  counts.set(name, made);
  return made;
}
