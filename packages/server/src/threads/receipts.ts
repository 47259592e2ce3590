/** Signed acknowledgements: what was journaled will be in the log, and the operator puts that in writing. */
import { hash } from 'node:crypto';
import { parseVerifierKey, RECEIPT_MS, type Receipt, receiptText } from '@tidemark/proof';
import type { Draft } from '../intake/intake.ts';
import type { LogKey } from '../keys.ts';
import type { StreamConfig } from '../stream.ts';

export class ReceiptBook {
  readonly #key: LogKey;
  readonly #origins: ReadonlyMap<string, string>;

  constructor(key: LogKey, streams: readonly StreamConfig[]) {
    this.#key = key;
    const prompt = streams.filter(isPrompt);
    this.#origins = new Map(prompt.map(({ id, logKey }) => [id, parseVerifierKey(logKey).name]));
  }

  /**
   * To be called after the commit.
   * @param at milliseconds since 1970
   * @returns the receipt for what the delivery added, or for what it repeated as a whole; undefined where its events are
   *   no run of the source's count
   */
  receipt(draft: Draft, at: number): Receipt | undefined {
    const run = runOf(draft);
    const origin = this.#origins.get(draft.stream);
    if (run === undefined || origin === undefined) return undefined;
    const { from, ids } = run;
    const time = new Date(at).toISOString();
    const to = from + ids.length - 1;
    // The RFC 8785 text of a list of hex digits.
    const idsHash = hash('sha256', `["${ids.join('","')}"]`, 'hex');
    const promise = { source: draft.sourceId, from, to, idsHash, time };
    const signature = Buffer.from(this.#key.sign(Buffer.from(receiptText(origin, promise)))).toString('base64');
    return { ...promise, signature };
  }
}

/** A stream that waits for event time, or long for its cut, could not keep the promise. */
function isPrompt({ order, publish }: StreamConfig): boolean {
  return order === undefined && publish.maxAgeMs <= RECEIPT_MS / 2;
}

/** The events that a delivery added; of one that added none, those that it repeated, if they are a run. */
function runOf({ entry, repeated, eventIds }: Draft): { from: number; ids: string[] } | undefined {
  if (entry !== undefined) {
    const ids = Array.from({ length: entry.events.count }, (_, index) => entry.events.eventId(index));
    return { from: entry.seq, ids };
  }
  const [from] = repeated;
  if (from === undefined || repeated.some((seq, index) => seq !== from + index)) return undefined;
  return { from, ids: eventIds };
}
