/**
 * Two ranked lists as one, by their ranks alone, since their scores cannot be compared: Cormack, Clarke and Buettcher,
 * "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods" (SIGIR 2009), k = 60 as there.
 */
import type { RecordId } from '../store/search.ts';
import type { Ranked } from './search-index.ts';
import type { Hit } from './service.ts';

const RANK_CONSTANT = 60;

type Fused = Ranked & Pick<Hit, 'scores'>;

/** @param placeOf decides between equals: the newest leaf, then the stream's name */
export function fuse(
  words: readonly Ranked[],
  near: readonly Ranked[],
  placeOf: (id: RecordId) => { leaf: number; stream: string },
): Fused[] {
  const fused = new Map<RecordId, Fused>();
  const add = (list: readonly Ranked[], name: keyof Hit['scores']) => {
    for (const [at, { id, score }] of list.entries()) {
      const there = fused.get(id) ?? { id, score: 0, scores: {} };
      there.score += 1 / (RANK_CONSTANT + at + 1);
      there.scores[name] = score;
      fused.set(id, there);
    }
  };
  add(words, 'fulltext');
  add(near, 'semantic');
  return [...fused.values()].sort((a, b) => {
    if (a.score !== b.score) return b.score - a.score;
    const [one, other] = [placeOf(a.id), placeOf(b.id)];
    return other.leaf - one.leaf || (one.stream < other.stream ? -1 : 1);
  });
}
