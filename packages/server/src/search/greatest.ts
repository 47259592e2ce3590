/** The greatest of many numbers, as a heap with the least of them on top. */
export class Greatest {
  readonly #heap: Float64Array;
  #size = 0;

  constructor(wanted: number) {
    this.#heap = new Float64Array(wanted);
  }

  /** What a number must exceed to change anything. */
  get least(): number {
    return this.#size < this.#heap.length ? Number.NEGATIVE_INFINITY : this.#heap[0]!;
  }

  offer(value: number): void {
    if (this.#size < this.#heap.length) this.#rise(this.#size++, value);
    else if (value > this.#heap[0]!) this.#sink(value);
  }

  #rise(from: number, value: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]! <= value) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = value;
  }

  #sink(value: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= value) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = value;
  }
}
