/** Which records a search is among: one test for all ways of searching, asked before the best are taken. */
import type { Admits, LeafRange } from '../store/search.ts';

export interface Scope {
  /** Without it, all that are indexed. */
  streams?: ReadonlySet<string> | undefined;
  /** Among these leaves alone: those of a batch. */
  ranges?: readonly LeafRange[] | undefined;
  /** Not among these: leaves of locked batches. */
  hidden?: readonly LeafRange[] | undefined;
  /** Event times `[from, to)`, milliseconds since 1970. */
  from?: number | undefined;
  to?: number | undefined;
}

/** @returns undefined where everything is admitted */
export function admission({ streams, ranges, hidden = [], from, to }: Scope): Admits | undefined {
  const tests: Admits[] = [];
  if (streams !== undefined) tests.push((stream) => streams.has(stream));
  if (from !== undefined) tests.push((_stream, _leaf, time) => time >= from);
  if (to !== undefined) tests.push((_stream, _leaf, time) => time < to);
  if (ranges !== undefined) tests.push(among(ranges));
  if (hidden.length > 0) {
    const isHidden = among(hidden);
    tests.push((stream, leaf, time) => !isHidden(stream, leaf, time));
  }
  if (tests.length === 0) return undefined;
  return (stream, leaf, time) => tests.every((admits) => admits(stream, leaf, time));
}

function among(ranges: readonly LeafRange[]): Admits {
  const byStream = new Map<string, LeafRange[]>();
  for (const [stream, list] of Map.groupBy(ranges, ({ stream }) => stream)) byStream.set(stream, joined(list));
  return (stream, leaf) => {
    const list = byStream.get(stream);
    const last = list === undefined ? undefined : lastStartingUpTo(list, leaf);
    return last !== undefined && leaf < last.end;
  };
}

/** In order, without overlaps. */
function joined(ranges: readonly LeafRange[]): LeafRange[] {
  const list: LeafRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const before = list.at(-1);
    if (before !== undefined && range.start <= before.end) before.end = Math.max(before.end, range.end);
    else list.push({ ...range });
  }
  return list;
}

function lastStartingUpTo(list: readonly LeafRange[], leaf: number): LeafRange | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.start <= leaf) low = middle + 1;
    else high = middle;
  }
  return list[low - 1];
}
