/**
 * Which leaves of a rollup count: of what has been replaced within it, the newest alone. All leaves are noted first, for
 * in a stream in the order of event times a revision can stand before what it revises.
 */
import type { Leaf } from '@tidemark/proof';

export class Succession {
  /** By event id: seq of the newest accepted version that replaces another. */
  readonly #newest = new Map<string, number>();
  readonly #replacedDecisions = new Set<string>();
  /** What is replaced and has not been met. */
  readonly #elsewhere = new Set<string>();

  note(leaf: Leaf): void {
    if (leaf.kind === 'fused' && leaf.supersedes !== undefined) {
      this.#replacedDecisions.add(leaf.supersedes);
      this.#elsewhere.add(leaf.supersedes);
    } else if (leaf.kind === 'record' && leaf.supersedes !== undefined) {
      const { eventId, seq } = leaf;
      const [source, replaced] = leaf.supersedes;
      this.#newest.set(eventId, Math.max(seq, this.#newest.get(eventId) ?? seq));
      // What is let out of quarantine replaces the quarantined leaf with its own seq.
      this.#elsewhere.add(replaced === seq ? quarantined(source, seq) : accepted(source, replaced));
    }
  }

  /** Nothing has been replaced: all leaves count. */
  get isEmpty(): boolean {
    return this.#newest.size === 0 && this.#replacedDecisions.size === 0;
  }

  /** To be asked once for each leaf, after all have been noted. */
  counts(leaf: Leaf): boolean {
    if (leaf.kind === 'fused') {
      this.#elsewhere.delete(leaf.decision);
      return !this.#replacedDecisions.has(leaf.decision);
    }
    if (leaf.kind !== 'record' && leaf.kind !== 'quarantined') return false;
    const { kind, source, seq, eventId } = leaf;
    const newest = this.#newest.get(eventId);
    if (newest === undefined) return true;
    this.#elsewhere.delete(accepted(source, seq));
    if (kind === 'record') return seq === newest;
    this.#elsewhere.delete(quarantined(source, seq));
    return seq > newest;
  }

  /** Leaves of other rollups that have been replaced here, once every leaf has been asked about. */
  get revisions(): number {
    return this.#elsewhere.size;
  }
}

function accepted(source: string, seq: number): string {
  return `${source} ${seq}`;
}

function quarantined(source: string, seq: number): string {
  return `${source} ${seq} quarantined`;
}
