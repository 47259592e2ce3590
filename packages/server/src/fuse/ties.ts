/** Which of several equally good voices wins. */
import { equal } from './agreement.ts';
import type { FusionPolicy, TieBreaker } from './policy.ts';
import type { Ballot, Voice } from './voices.ts';

const DEFAULT: readonly TieBreaker[] = ['priority', 'trust', 'eventTime', 'sourceId'];

/** The source's place in the policy's list; one that is not listed comes after all that are. */
export type Rank = (voice: Voice) => number;

export function rankBy(priority: readonly string[] | undefined): Rank {
  if (priority === undefined) return () => Number.MAX_SAFE_INTEGER;
  const places = new Map(priority.map((source, place) => [source, place]));
  return ({ candidate }) => places.get(candidate.source) ?? Number.MAX_SAFE_INTEGER;
}

/** In the policy's order; sources differ in their ids, so that this one, which is always last, leaves no tie. */
export function tieBreakersOf(policy: FusionPolicy): readonly TieBreaker[] {
  return [...new Set([...(policy.tieBreakers ?? DEFAULT), 'sourceId' as const])];
}

/**
 * - `priority`: first in the policy's list
 * - `trust`: declared trust is highest
 * - `eventTime`: newest
 * - `sourceId`: first in the order of UTF-16 code units
 * @param tied at least one
 * @returns with `by` where the tied do not all say exactly the same: what decided between the last that differed
 */
export function breakTie<B extends Ballot>(
  tied: readonly B[],
  tieBreakers: readonly TieBreaker[],
  rank: Rank,
): { winner: B; by: TieBreaker | undefined } {
  let left = tied;
  let by: TieBreaker | undefined;
  for (const tieBreaker of tieBreakers) {
    if (left.length === 1) break;
    const better = best(left, BETTER[tieBreaker](rank));
    if (better.length < left.length && !allEqual(left)) by = tieBreaker;
    left = better;
  }
  return { winner: left[0] as B, by };
}

type Better = (a: Voice, b: Voice) => boolean;

const BETTER: Record<TieBreaker, (rank: Rank) => Better> = {
  priority: (rank) => (a, b) => rank(a) < rank(b),
  trust: () => (a, b) => a.trust > b.trust,
  eventTime: () => (a, b) => a.candidate.eventTime > b.candidate.eventTime,
  sourceId: () => (a, b) => a.candidate.source < b.candidate.source,
};

/** Those that none is better than. */
function best<B extends Ballot>(ballots: readonly B[], better: Better): B[] {
  const [first, ...others] = ballots as [B, ...B[]];
  let top = first;
  for (const ballot of others) if (better(ballot.voice, top.voice)) top = ballot;
  return ballots.filter(({ voice }) => !better(top.voice, voice));
}

export function allEqual(ballots: readonly Ballot[]): boolean {
  const [first, ...others] = ballots;
  return first === undefined || others.every(({ value }) => equal(value, first.value));
}
