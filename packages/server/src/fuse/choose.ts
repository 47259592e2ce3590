/**
 * What several voices make of one question: the payload as a whole, or one of its fields.
 *
 * A voice's support is all voices that agree with it, itself included. Agreement within a tolerance is not transitive,
 * so a set of voices that all agree with each other is not unique; the support of a voice is, whatever the order.
 */
import { agree, type Tolerance } from './agreement.ts';
import { median } from './median.ts';
import type { FusionPolicy, Strategy, TieBreaker } from './policy.ts';
import { allEqual, breakTie, type Rank, rankBy, tieBreakersOf } from './ties.ts';
import type { Ballot } from './voices.ts';

/**
 * What decided: a strategy, or
 * - `majority`: `median` found no numbers to compare, so most support won
 * - `fallback-priority`: no quorum, and priority decided in its place
 * - `no-quorum`: nothing was decided
 */
export type Rule = Strategy | 'majority' | 'fallback-priority' | 'no-quorum';

export interface Supported extends Ballot {
  /** At least the voice itself. */
  support: readonly Ballot[];
}

export interface Choice {
  rule: Rule;
  ballots: readonly Supported[];
  /** undefined under the rule `no-quorum` alone. */
  winner: Supported | undefined;
  /** Equally good by the rule; the winner is one of them. */
  tied: readonly Supported[];
  /** Present where the tied said different things. */
  tieBreaker: TieBreaker | undefined;
  /** Most votes for the same. */
  most: number;
  /** Two voices do not agree. */
  conflict: boolean;
  /** Two voices do not say exactly the same, if within the tolerance. */
  differ: boolean;
}

/** What a policy's strategy goes by, made ready. */
export interface Plan {
  policy: FusionPolicy;
  rank: Rank;
  tieBreakers: readonly TieBreaker[];
}

export function planOf(policy: FusionPolicy): Plan {
  return { policy, rank: rankBy(policy.priority), tieBreakers: tieBreakersOf(policy) };
}

/**
 * @param ballots at least one
 * @param measured paths in the values whose numbers `median` goes by; without them all numbers
 */
export function choose(
  ballots: readonly Ballot[],
  plan: Plan,
  tolerance: Tolerance | undefined,
  measured?: readonly string[],
): Choice {
  const differ = !allEqual(ballots);
  const supported = differ
    ? withSupport(ballots, tolerance)
    : ballots.map((ballot) => ({ ...ballot, support: ballots }));
  const conflict = supported.some(({ support }) => support.length < ballots.length);
  const most = Math.max(...supported.map(({ support }) => support.length));
  const { rule, tied } = shortlist(supported, plan, most, measured);
  const all = { rule, ballots: supported, most, conflict, differ };
  if (tied.length === 0) return { ...all, winner: undefined, tied, tieBreaker: undefined };
  // The order of priority is complete in itself: sources that are not listed follow by their ids.
  const byPriority = rule === 'priority' || rule === 'fallback-priority';
  const { winner, by } = breakTie(tied, byPriority ? ['sourceId'] : plan.tieBreakers, plan.rank);
  return { ...all, winner, tied, tieBreaker: by };
}

/** Those who do not agree with the winner. */
export function dissenters({ winner, ballots, conflict }: Choice): readonly Supported[] {
  if (winner === undefined || !conflict) return [];
  const voices = new Set(winner.support.map(({ voice }) => voice));
  return ballots.filter(({ voice }) => !voices.has(voice));
}

/** Worth a word: not all say exactly the same, or there was no quorum. */
export function isInQuestion({ rule, differ }: Choice): boolean {
  return differ || rule === 'no-quorum' || rule === 'fallback-priority';
}

export function weightOf(ballots: readonly Ballot[]): number {
  return ballots.reduce((sum, { voice }) => sum + voice.weight, 0);
}

interface Shortlist {
  rule: Rule;
  tied: Supported[];
}

function shortlist(
  ballots: readonly Supported[],
  { policy, rank }: Plan,
  most: number,
  measured: readonly string[] | undefined,
): Shortlist {
  const byPriority = () => top(ballots, ({ voice }) => -rank(voice));
  switch (policy.strategy) {
    case 'quorum':
      if (most >= (policy.min ?? 1)) return { rule: 'quorum', tied: mostSupported(ballots, most) };
      if (policy.onNoQuorum === 'priority') return { rule: 'fallback-priority', tied: byPriority() };
      return { rule: 'no-quorum', tied: [] };
    case 'priority':
      return { rule: 'priority', tied: byPriority() };
    case 'weighted': {
      const heaviest = top(ballots, ({ support }) => weightOf(support));
      return { rule: 'weighted', tied: top(heaviest, ({ voice }) => voice.weight) };
    }
    case 'median': {
      const nearest = median(ballots, measured);
      if (nearest === undefined) return { rule: 'majority', tied: mostSupported(ballots, most) };
      return { rule: 'median', tied: nearest.map((index) => ballots[index] as Supported) };
    }
    case 'latest':
      return { rule: 'latest', tied: top(ballots, ({ voice }) => Date.parse(voice.candidate.eventTime)) };
    case 'first':
      return { rule: 'first', tied: top(ballots, ({ voice }) => -Date.parse(voice.candidate.eventTime)) };
  }
}

function mostSupported(ballots: readonly Supported[], most: number): Supported[] {
  return ballots.filter(({ support }) => support.length === most);
}

function top(ballots: readonly Supported[], score: (ballot: Supported) => number): Supported[] {
  const scores = ballots.map(score);
  const highest = Math.max(...scores);
  return ballots.filter((_, index) => scores[index] === highest);
}

function withSupport(ballots: readonly Ballot[], tolerance: Tolerance | undefined): Supported[] {
  return ballots.map((ballot) => ({
    ...ballot,
    support: ballots.filter((other) => other === ballot || agree(ballot.value, other.value, tolerance)),
  }));
}
