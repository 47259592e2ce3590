/** Closed intervals of numbers, and all that hold a number: in time that grows with those that do. */
export class Intervals<T> {
  readonly #items = new Map<T, Interval>();
  /** In the order of their lower ends, with the highest upper end below each, as in a balanced tree; made when asked. */
  #tree: { items: readonly [T, Interval][]; highest: Float64Array } | undefined;

  get size(): number {
    return this.#items.size;
  }

  add(item: T, interval: Interval): void {
    this.#items.set(item, interval);
    this.#tree = undefined;
  }

  delete(item: T): void {
    this.#items.delete(item);
    this.#tree = undefined;
  }

  all(): Iterable<T> {
    return this.#items.keys();
  }

  holding(value: number): T[] {
    this.#tree ??= treeOf(this.#items);
    const { items, highest } = this.#tree;
    const found: T[] = [];
    const look = (from: number, to: number): void => {
      if (from >= to) return;
      const middle = (from + to) >>> 1;
      if (highest[middle]! < value) return;
      look(from, middle);
      const [item, { low, high }] = items[middle]!;
      if (low > value) return;
      if (high >= value) found.push(item);
      look(middle + 1, to);
    };
    look(0, items.length);
    return found;
  }
}

export interface Interval {
  low: number;
  high: number;
}

function treeOf<T>(intervals: ReadonlyMap<T, Interval>): { items: [T, Interval][]; highest: Float64Array } {
  const items = [...intervals].sort(([, one], [, other]) => one.low - other.low);
  const highest = new Float64Array(items.length);
  const fill = (from: number, to: number): number => {
    if (from >= to) return Number.NEGATIVE_INFINITY;
    const middle = (from + to) >>> 1;
    highest[middle] = Math.max(items[middle]![1].high, fill(from, middle), fill(middle + 1, to));
    return highest[middle];
  };
  fill(0, items.length);
  return { items, highest };
}
