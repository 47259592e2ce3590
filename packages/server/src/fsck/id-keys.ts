/** The first 8 bytes of every event id: 8 bytes an event are what it takes to find those that come twice. */
export class IdKeys {
  /** Pairs of words, low first: as little-endian 64-bit numbers they are the ids' first 8 bytes. */
  #words = new Uint32Array(2 * 65_536);
  #count = 0;

  add(high: number, low: number): void {
    const at = 2 * this.#count++;
    if (at === this.#words.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[at] = low;
    this.#words[at + 1] = high;
  }

  /** The keys that were added more than once, each once. Puts what was added into order. */
  repeated(): bigint[] {
    new BigUint64Array(this.#words.buffer, 0, this.#count).sort();
    const repeated: bigint[] = [];
    for (let at = 2; at < 2 * this.#count; at += 2) {
      if (!this.#same(at, at - 2) || (at > 2 && this.#same(at - 2, at - 4))) continue;
      repeated.push(keyOf(this.#words[at + 1]!, this.#words[at]!));
    }
    return repeated;
  }

  #same(at: number, other: number): boolean {
    return this.#words[at] === this.#words[other] && this.#words[at + 1] === this.#words[other + 1];
  }
}

export function keyOf(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
