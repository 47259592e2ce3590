/** One batch of headers on its way into the store, each judged by the rules and put where it belongs. */
import type { Pin } from '@tidemark/proof';
import type { HeaderRow, HeaderRows } from './header-rows.ts';
import type { BlockAt } from './headers.ts';
import { prevHashOf, type RawHeader, timeOf, type WorkRule } from './raw-header.ts';

/** A branch that parts from the best chain deeper than this is neither taken nor kept. */
export const MAX_REORGANIZATION = 1000;
/** Blocks beside the best chain that are kept at the most: those of the branches with the most work. */
export const MAX_SIDE_BLOCKS = 10_000;
/** How far ahead of our clock a block's time may be, as the network has it. Seconds. */
const MAX_AHEAD = 2 * 60 * 60;
/** A block is later than the median of this many before it. */
const MEDIAN_SPAN = 11;

/**
 * Why a header is refused.
 *
 * - `unlinked`: the block before it is not known
 * - `insufficient-work`: it misses its own target, or that is easier than the floor
 * - `too-deep`: its branch parts from the best chain more than 1000 blocks below the tip
 * - `bad-time`: not later than the median of the eleven blocks before it, or more than two hours ahead of our clock
 */
export type RefusalReason = 'unlinked' | 'insufficient-work' | 'too-deep' | 'bad-time';

export interface Added {
  /** Headers that are new, were known before, and were refused: together all that were given. */
  added: number;
  known: number;
  /** The first one refused, and how many were. */
  refused?: { hash: string; reason: RefusalReason; count: number };
  /** Blocks that were on the best chain before and are not now, lowest first, and the height of the first of them. */
  reorganized?: { from: number; left: string[] };
  /** The end of the best chain, where it has changed. */
  tip?: BlockAt;
}

/** A block that others can follow, with the times of the last up to eleven blocks that end in it, oldest first. */
interface Parent extends HeaderRow {
  times: number[];
}

interface Rules {
  pin: Pin;
  work: WorkRule;
  /** Seconds since 1970. */
  now: number;
}

export class Placing {
  readonly #rows: HeaderRows;
  readonly #rules: Rules;
  readonly #start: HeaderRow;
  #tip: Parent;
  /** A block that no stored one follows: so what follows it is new, and its parent need not be looked up. */
  #last: Parent;
  /** Up to here the best chain is as it was before the batch. */
  #untouched: number;
  readonly #left: HeaderRow[] = [];
  readonly #result: Added = { added: 0, known: 0 };

  constructor(rows: HeaderRows, rules: Rules) {
    this.#rows = rows;
    this.#rules = rules;
    this.#start = rows.tip();
    this.#untouched = this.#start.height;
    this.#tip = this.#withTimes(this.#start);
    this.#last = this.#tip;
  }

  place(header: RawHeader): void {
    const outcome = this.#judge(header);
    if (outcome === 'added' || outcome === 'known') this.#result[outcome]++;
    else if (this.#result.refused === undefined) {
      this.#result.refused = { hash: header.hash, reason: outcome, count: 1 };
    } else this.#result.refused.count++;
  }

  finish(): Added {
    const { height, hash } = this.#tip;
    if (this.#result.added > 0) this.#rows.prune(height - MAX_REORGANIZATION, MAX_SIDE_BLOCKS);
    if (hash !== this.#start.hash) this.#result.tip = { height, hash };
    // A block can leave and come back within one batch.
    const left = this.#left.filter((row) => !this.#isBest(row.hash)).sort((a, b) => a.height - b.height);
    if (left[0] !== undefined) {
      this.#result.reorganized = { from: left[0].height, left: left.map((row) => row.hash) };
    }
    return this.#result;
  }

  #judge(header: RawHeader): 'added' | 'known' | RefusalReason {
    if (header.hash === this.#rules.pin.hash) return this.#givePinned(header);
    let parent = this.#last.hash === header.prevHash ? this.#last : undefined;
    if (parent === undefined) {
      if (this.#rows.find(header.hash) !== undefined) return 'known';
      const row = this.#rows.find(header.prevHash);
      if (row === undefined) return 'unlinked';
      parent = this.#withTimes(row);
    }
    const work = this.#rules.work.workOf(header);
    if (work === undefined) return 'insufficient-work';
    if ((parent.fork ?? parent.height) < this.#tip.height - MAX_REORGANIZATION) return 'too-deep';
    if (!this.#isTimely(header, parent)) return 'bad-time';
    this.#put(header, parent, work);
    return 'added';
  }

  #givePinned(header: RawHeader): 'added' | 'known' {
    const { pin } = this.#rules;
    if (this.#rows.find(pin.hash)?.header !== undefined) return 'known';
    this.#rows.fillPinned(pin.height, header.raw);
    if (this.#tip.hash === pin.hash) this.#last = this.#tip = this.#withTimes(this.#rows.tip());
    return 'added';
  }

  #isTimely(header: RawHeader, parent: Parent): boolean {
    if (header.time > this.#rules.now + MAX_AHEAD) return false;
    // Just after the pin the blocks that the median is of are not all known; at the chain's start there are fewer.
    if (parent.times.length < Math.min(MEDIAN_SPAN, parent.height + 1)) return true;
    const sorted = [...parent.times].sort((a, b) => a - b);
    return header.time > sorted[sorted.length >> 1]!;
  }

  #put(header: RawHeader, parent: Parent, work: bigint): void {
    const onTip = parent.hash === this.#tip.hash;
    const block: Parent = {
      hash: header.hash,
      height: parent.height + 1,
      work: parent.work + work,
      fork: onTip ? undefined : (parent.fork ?? parent.height),
      header: header.raw,
      times: [...parent.times.slice(1 - MEDIAN_SPAN), header.time],
    };
    if (block.fork === undefined) this.#rows.append(block);
    else this.#rows.addSide(block, block.fork);
    this.#last = block.work > this.#tip.work ? this.#makeTip(block) : block;
  }

  /** Of branches with equal work the one that was there first stays. */
  #makeTip(block: Parent): Parent {
    if (block.fork !== undefined) {
      const left = this.#rows.switchTo(block.hash, block.fork);
      this.#left.push(...left.filter(({ height }) => height <= this.#untouched));
      this.#untouched = Math.min(this.#untouched, block.fork);
    }
    this.#tip = { ...block, fork: undefined };
    return this.#tip;
  }

  #isBest(hash: string): boolean {
    const row = this.#rows.find(hash);
    return row !== undefined && row.fork === undefined;
  }

  #withTimes(row: HeaderRow): Parent {
    const times: number[] = [];
    for (let at: HeaderRow | undefined = row; at?.header !== undefined && times.length < MEDIAN_SPAN; ) {
      times.unshift(timeOf(at.header));
      at = this.#rows.find(prevHashOf(at.header));
    }
    return { ...row, times };
  }
}
