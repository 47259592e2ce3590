/** Whether all that a log has was delivered, and delivered as the log has it. */
import { type FusedLeaf, ProofError, payloadHash, type RecordLeaf } from '@tidemark/proof';
import { LogError, type LogErrorCode } from './errors.ts';
import type { PlacedLeaf, VerifiedLog } from './log.ts';
import type { CertifiedMessage, QuarantinedMessage, WatchMessage } from './messages.ts';

/** Leaves `[start, end)`. */
export interface LeafRange {
  start: number;
  end: number;
}

export interface CompletenessOptions {
  /**
   * The streams are salted: their payloads cannot be held against the leaf, which hashes them with a salt that the feed
   * does not carry (the proof file does), and erased ones are left out. Default false.
   */
  salted?: boolean | undefined;
  /** Messages have only those members that were asked for: a payload that is there may be part of one. Default false. */
  projected?: boolean | undefined;
}

export interface CheckOptions {
  /** The only sources whose records were asked for. Default: all. */
  sources?: ReadonlySet<string> | undefined;
  /** Records may be left out, as under a filter: only what was delivered is checked. Default false. */
  partial?: boolean | undefined;
}

export interface Checked {
  /** Records that were delivered, and are what the log has. */
  records: number;
  /** Records that were not delivered, of which a `gap` had said so. */
  skipped: number;
}

/** What was said of a leaf; a payload as the hash that it has, undefined where it has none. */
interface Delivered {
  kind: 'certified' | 'quarantined';
  eventId: string;
  sourceId?: string | null;
  seq?: number;
  eventTime?: string;
  contentHash?: string;
  payload?: { hash: string | undefined };
}

interface Stream {
  delivered: Map<number, Delivered>;
  gaps: LeafRange[];
  /** Up to here all is well, and forgotten. */
  settled: number;
}

/** Keeps what was delivered, some 300 bytes a record, until `forget`. */
export class Completeness {
  readonly #salted: boolean;
  readonly #projected: boolean;
  readonly #streams = new Map<string, Stream>();
  #size = 0;

  constructor({ salted = false, projected = false }: CompletenessOptions = {}) {
    this.#salted = salted;
    this.#projected = projected;
  }

  /** Records that are kept. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes any message of a watch.
   * @throws LogError `record-altered` where it contradicts an earlier one, or is of a leaf that is forgotten
   */
  take(message: WatchMessage): void {
    if (message.type === 'certified' || message.type === 'quarantined') this.#deliver(message);
    else if (message.type === 'gap') {
      for (const { stream, start, end } of message.missing ?? []) {
        const { gaps, settled } = this.#of(stream);
        if (end > (start ?? settled)) gaps.push({ start: start ?? settled, end });
      }
    }
  }

  /** What of `[start, end)` no message has spoken of: leaves without a message of their own, too. */
  missing(stream: string, start: number, end: number): LeafRange[] {
    const { delivered, settled } = this.#of(stream);
    const ranges: LeafRange[] = [];
    for (let index = Math.max(start, settled); index < end; index++) {
      if (delivered.has(index)) continue;
      const last = ranges.at(-1);
      if (last?.end === index) last.end++;
      else ranges.push({ start: index, end: index + 1 });
    }
    return ranges;
  }

  /**
   * Holds what was delivered of `[start, end)` against the log.
   * @throws LogError `record-missing` or `record-altered`, naming the first leaf; those of reading the log
   */
  async check(log: VerifiedLog, start: number, end: number, options: CheckOptions = {}): Promise<Checked> {
    const checked = { records: 0, skipped: 0 };
    for await (const placed of log.leaves(start, end)) this.#checkLeaf(log.stream, placed, options, checked);
    return checked;
  }

  /** Lets go of all that was said of leaves below `end`, which is not asked for again. */
  forget(stream: string, end: number): void {
    const known = this.#of(stream);
    if (end <= known.settled) return;
    for (const index of known.delivered.keys()) if (index < end) this.#drop(known, index);
    known.gaps = known.gaps.filter((gap) => gap.end > end);
    known.settled = end;
  }

  /** Lets go of what is quarantined below `end`, and was checked: the log has it, and nobody has to deliver it. */
  release(stream: string, end: number): void {
    const known = this.#of(stream);
    for (const [index, { kind }] of known.delivered) {
      if (kind === 'quarantined' && index < end) this.#drop(known, index);
    }
  }

  #drop({ delivered }: Stream, index: number): void {
    if (delivered.delete(index)) this.#size--;
  }

  #deliver(message: CertifiedMessage | QuarantinedMessage): void {
    const { stream, leafIndex } = message;
    const { delivered, settled } = this.#of(stream);
    const said = this.#said(message);
    if (leafIndex < settled) throw altered(stream, leafIndex, said.eventId, 'it comes again, or too late');
    const before = delivered.get(leafIndex);
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(said)) {
      throw altered(stream, leafIndex, said.eventId, 'two messages say different things about it');
    }
    if (before === undefined) this.#size++;
    delivered.set(leafIndex, said);
  }

  #said(message: CertifiedMessage | QuarantinedMessage): Delivered {
    const { type: kind, eventId, sourceId, seq, eventTime } = message;
    return {
      ...{ kind, eventId },
      ...(sourceId !== undefined && { sourceId }),
      ...(seq !== undefined && { seq }),
      ...(eventTime !== undefined && { eventTime }),
      ...(message.type === 'certified' && { contentHash: message.contentHash }),
      ...(message.type === 'certified' && this.#comparable && { payload: { hash: hashOf(message) } }),
    };
  }

  get #comparable(): boolean {
    return !this.#salted && !this.#projected;
  }

  #checkLeaf(stream: string, { index, leaf }: PlacedLeaf, options: CheckOptions, checked: Checked): void {
    const { delivered, gaps } = this.#of(stream);
    const said = delivered.get(index);
    if (said !== undefined) {
      if (said.kind === 'certified' && (leaf.kind === 'record' || leaf.kind === 'fused')) checked.records++;
      else if (said.kind !== leaf.kind) throw altered(stream, index, said.eventId, `the log has a ${leaf.kind} there`);
      const wrong = differenceOf(said, leaf as RecordLeaf | FusedLeaf);
      if (wrong !== undefined) throw altered(stream, index, said.eventId, `its ${wrong} is not what the log has`);
      return;
    }
    if (leaf.kind !== 'record' && leaf.kind !== 'fused') return;
    if (options.partial || !isOf(leaf, options.sources)) return;
    if (gaps.some((gap) => gap.start <= index && index < gap.end)) checked.skipped++;
    else throw failure('record-missing', stream, index, leaf.eventId, 'it was not delivered');
  }

  #of(stream: string): Stream {
    let known = this.#streams.get(stream);
    if (known === undefined) {
      known = { delivered: new Map(), gaps: [], settled: 0 };
      this.#streams.set(stream, known);
    }
    return known;
  }
}

/** The first member in which they differ. What the message leaves out, as it may with `fields`, is not compared. */
function differenceOf(said: Delivered, leaf: RecordLeaf | FusedLeaf): string | undefined {
  const { source, seq } = leaf as Partial<RecordLeaf>;
  if (said.eventId !== leaf.eventId) return 'event id';
  if (said.eventTime !== undefined && said.eventTime !== leaf.eventTime) return 'event time';
  if (source !== undefined && said.sourceId !== undefined && said.sourceId !== source) return 'source';
  if (said.seq !== undefined && said.seq !== seq) return 'seq';
  if (said.kind === 'quarantined') return undefined;
  if (said.contentHash !== leaf.payloadHash) return 'content hash';
  return said.payload !== undefined && said.payload.hash !== leaf.payloadHash ? 'payload' : undefined;
}

function isOf(leaf: RecordLeaf | FusedLeaf, sources: ReadonlySet<string> | undefined): boolean {
  if (sources === undefined) return true;
  return leaf.kind === 'record' ? sources.has(leaf.source) : leaf.inputs.some(([source]) => sources.has(source));
}

/** Of a payload that has no canonical text there is no hash, and none in the log. */
function hashOf({ normalized }: CertifiedMessage): string | undefined {
  if (normalized === undefined) return undefined;
  try {
    return payloadHash(normalized);
  } catch (cause) {
    if (cause instanceof ProofError) return undefined;
    throw cause;
  }
}

function altered(stream: string, leafIndex: number, eventId: string, detail: string): LogError {
  return failure('record-altered', stream, leafIndex, eventId, detail);
}

function failure(code: LogErrorCode, stream: string, leafIndex: number, eventId: string, detail: string): LogError {
  return new LogError(code, `leaf ${leafIndex}, event ${eventId}: ${detail}`, { stream, leafIndex, eventId });
}
