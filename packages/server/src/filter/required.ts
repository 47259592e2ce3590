/** What many filters are found by, so that not each has to be asked about each event. */
import type { Among, Node } from './parse.ts';
import type { Path } from './path.ts';
import type { Scalar } from './scanner.ts';

export interface Required {
  readonly path: Path;
  readonly values: readonly Scalar[];
}

/** Metadata that many events have in common, the most common last; everything else is taken to single out a few. */
const COMMON: readonly string[] = ['sourceId', 'sources', 'stream', 'status', 'conflict', 'chain', 'type'];

/**
 * An equality that every match satisfies: of those that stand alone or in the outermost `and`, the one that is likely to
 * be true of the fewest.
 */
export function requiredOf(node: Node): Required | undefined {
  const conjuncts = node.kind === 'and' ? node.of : [node];
  const [best] = conjuncts
    .filter(isEquality)
    .sort((a, b) => commonness(a) - commonness(b) || a.values.length - b.values.length);
  return best && { path: best.path, values: [...new Set(best.values)] };
}

function isEquality(node: Node): node is Among {
  return node.kind === 'among' && !node.negated;
}

function commonness({ path, values }: Among): number {
  const telling = values.every((value) => typeof value === 'string' || typeof value === 'number');
  return telling ? COMMON.indexOf(path.text) + 1 : COMMON.length;
}

/** Numbers between which a value has to be, ends included, for a filter to match. */
export interface Range {
  readonly path: Path;
  readonly low: number;
  readonly high: number;
}

/** Of the paths whose values stand alone or in the outermost `and` between numbers, the one with the most bounds. */
export function rangeOf(node: Node): Range | undefined {
  const bounds = new Map<string, { path: Path; low: number; high: number; ends: number }>();
  for (const term of node.kind === 'and' ? node.of : [node]) {
    if (term.kind !== 'order' || typeof term.value !== 'number') continue;
    const { path, order, value } = term;
    const unbounded = { path, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, ends: 0 };
    const known = bounds.get(path.text) ?? unbounded;
    const isLow = order === '>' || order === '>=';
    const low = isLow ? Math.max(known.low, value) : known.low;
    const high = isLow ? known.high : Math.min(known.high, value);
    bounds.set(path.text, { path, low, high, ends: Number(Number.isFinite(low)) + Number(Number.isFinite(high)) });
  }
  const [best] = [...bounds.values()].sort((a, b) => b.ends - a.ends);
  return best && { path: best.path, low: best.low, high: best.high };
}
