import { ProofError } from './errors.ts';
import { type BlockHeader, meetsTarget, targetFromBits, workOf } from './headers.ts';
import type { Pin } from './pins.ts';

/** What became of a header: `unlinked` has no known parent, `insufficient-work` misses its target or the floor. */
export type AddResult = 'added' | 'known' | 'unlinked' | 'insufficient-work';

/** A header at its height. */
export interface PlacedHeader {
  header: BlockHeader;
  height: number;
}

interface Node extends PlacedHeader {
  /** Of all blocks after the pin up to this one. */
  work: bigint;
}

/**
 * Follows the branch with the most work from a pinned block on, over all headers it is given. Every header must link
 * to one before it, meet its own target and the pin's floor. Of branches with equal work the one seen first stays.
 */
export class HeaderChain {
  readonly pin: Pin;
  readonly #nodes = new Map<string, Node>();
  /** Hashes of the best branch, from the block after the pin. */
  readonly #best: string[] = [];
  #pinned: BlockHeader | undefined;
  #bestWork = 0n;

  /** Throws `invalid-header` when the pin's floor is no target. */
  constructor(pin: Pin, headers: Iterable<BlockHeader> = []) {
    targetFromBits(pin.floorBits);
    this.pin = pin;
    for (const header of headers) this.add(header);
  }

  /** Height and hash of the end of the best branch: the pin, where nothing has been added. */
  get tip(): { height: number; hash: string } {
    return { height: this.pin.height + this.#best.length, hash: this.#best.at(-1) ?? this.pin.hash };
  }

  add(header: BlockHeader): AddResult {
    if (header.hash === this.pin.hash) return this.#addPinned(header);
    if (this.#nodes.has(header.hash)) return 'known';
    const parent = header.prevHash === this.pin.hash ? undefined : this.#nodes.get(header.prevHash);
    if (parent === undefined && header.prevHash !== this.pin.hash) return 'unlinked';
    if (!hasWork(header, this.pin.floorBits)) return 'insufficient-work';
    const work = (parent?.work ?? 0n) + workOf(targetFromBits(header.bits));
    const node = { header, height: (parent?.height ?? this.pin.height) + 1, work };
    this.#nodes.set(header.hash, node);
    if (work > this.#bestWork) this.#makeBest(node);
    return 'added';
  }

  /** The block with this hash, if it is on the best branch. */
  find(hash: string): PlacedHeader | undefined {
    const found = this.#lookup(hash);
    return found && this.#hashAt(found.height) === hash ? found : undefined;
  }

  /** The block at this height of the best branch. */
  at(height: number): PlacedHeader | undefined {
    const hash = this.#hashAt(height);
    return hash === undefined ? undefined : this.#lookup(hash);
  }

  /** bestHeight − height + 1 for a block on the best branch, else 0. */
  confirmations(hash: string): number {
    const found = this.find(hash);
    return found === undefined ? 0 : this.tip.height - found.height + 1;
  }

  #addPinned(header: BlockHeader): AddResult {
    if (this.#pinned !== undefined) return 'known';
    this.#pinned = header;
    return 'added';
  }

  #lookup(hash: string): PlacedHeader | undefined {
    if (hash !== this.pin.hash) return this.#nodes.get(hash);
    return this.#pinned && { header: this.#pinned, height: this.pin.height };
  }

  #hashAt(height: number): string | undefined {
    return height === this.pin.height ? this.pin.hash : this.#best[height - this.pin.height - 1];
  }

  /** Mostly one step: the new block's parent is the old tip. After a reorganization, back to where the branches part. */
  #makeBest(tip: Node): void {
    this.#bestWork = tip.work;
    const branch: string[] = [];
    let node: Node | undefined = tip;
    while (node !== undefined && this.#hashAt(node.height) !== node.header.hash) {
      branch.push(node.header.hash);
      node = this.#nodes.get(node.header.prevHash);
    }
    this.#best.length = tip.height - this.pin.height - branch.length;
    for (const hash of branch.reverse()) this.#best.push(hash);
  }
}

function hasWork(header: BlockHeader, floorBits: number): boolean {
  try {
    return meetsTarget(header, floorBits);
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}
