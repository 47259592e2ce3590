/** Whether each source's events are all in the log, and each once: every seq from 1 on. */
import type { Leaf, RecordLeaf } from '@tidemark/proof';
import type { Findings } from './findings.ts';
import { Intervals } from './intervals.ts';

/** What was seen of a source, as intervals of its seqs. */
export interface SeenSource {
  seen: [number, number][];
  /** Those whose newest leaf says that they are in quarantine: they may come again. */
  quarantined: [number, number][];
}

interface Counts {
  seen: Intervals;
  quarantined: Intervals;
}

export class Sources {
  readonly #sources = new Map<string, Counts>();
  readonly #findings: Findings;

  constructor(findings: Findings, before: Readonly<Record<string, SeenSource>> = {}) {
    this.#findings = findings;
    for (const [source, { seen, quarantined }] of Object.entries(before)) {
      this.#sources.set(source, { seen: new Intervals(seen), quarantined: new Intervals(quarantined) });
    }
  }

  /** What the constructor takes back. */
  get state(): Record<string, SeenSource> {
    const entries = [...this.#sources].map(([source, { seen, quarantined }]) => {
      return [source, { seen: seen.pairs, quarantined: quarantined.pairs }] as const;
    });
    return Object.fromEntries(entries);
  }

  take(leaf: Leaf, index: number): void {
    if (leaf.kind === 'record') this.#record(leaf, index);
    else if (leaf.kind === 'quarantined') this.#quarantined(leaf.source, leaf.seq, index);
    else if (leaf.kind === 'fused') {
      const corrects = leaf.supersedes !== undefined;
      for (const [source, seq] of leaf.inputs) this.#input(source, seq, corrects, index);
    }
  }

  /**
   * Reports what is missing.
   * @param through by source, the seq up to which the log itself claims to have all; without it up to the highest seen
   * @returns what is missing beyond: held back by a stream that orders or fuses, and still to come
   */
  missing(through: Readonly<Record<string, number>> | undefined): string[] {
    const pending: string[] = [];
    const claims = new Map(Object.entries(through ?? {}));
    for (const source of new Set([...this.#sources.keys(), ...claims.keys()])) {
      const { seen } = this.#of(source);
      const claimed = through === undefined ? seen.max : (claims.get(source) ?? 0);
      for (const gap of seen.gaps(1, claimed)) {
        this.#findings.add({ reason: 'omitted', detail: `${inWords(gap)} of ${source} is not in the log` });
      }
      const [gap] = seen.gaps(claimed + 1, seen.max);
      if (gap !== undefined) pending.push(`${inWords(gap)} of ${source}, and perhaps more, is still to come`);
    }
    return pending;
  }

  #record({ source, seq, supersedes }: RecordLeaf, index: number): void {
    const { seen, quarantined } = this.#of(source);
    // What is let out of quarantine takes the place of its own leaf there, once.
    const released = supersedes?.[0] === source && supersedes[1] === seq;
    const fresh = released ? quarantined.delete(seq) : seen.add(seq);
    if (!fresh) this.#twice(source, seq, index);
  }

  #quarantined(source: string, seq: number, index: number): void {
    const { seen, quarantined } = this.#of(source);
    if (seen.add(seq)) quarantined.add(seq);
    else this.#twice(source, seq, index);
  }

  /** A correction names all candidates once more; one that no decision has taken yet may be in quarantine. */
  #input(source: string, seq: number, corrects: boolean, index: number): void {
    const { seen, quarantined } = this.#of(source);
    const waited = quarantined.delete(seq);
    if (!seen.add(seq) && !corrects && !waited) this.#twice(source, seq, index);
  }

  #twice(source: string, seq: number, index: number): void {
    const detail = `leaf ${index} has seq ${seq} of ${source} again, or lets it out of a quarantine that it is not in`;
    this.#findings.add({ reason: 'duplicated', detail });
  }

  #of(source: string): Counts {
    let counts = this.#sources.get(source);
    if (counts === undefined) {
      counts = { seen: new Intervals(), quarantined: new Intervals() };
      this.#sources.set(source, counts);
    }
    return counts;
  }
}

function inWords([from, to]: [number, number]): string {
  return from === to ? `seq ${from}` : `seq ${from} to ${to}`;
}
