/** Whether a log keeps what a signed receipt promises. */
import { type Leaf, parseVerifierKey, RECEIPT_MS, type Receipt, receiptIdsHash, verifyReceipt } from '@tidemark/proof';
import { fetchIfThere, type LogServer } from './fetch-bounded.ts';
import { AuditError } from './findings.ts';
import { auditLog, type LogReport } from './log-audit.ts';
import { TiledLog } from './tiled-log.ts';

/**
 * `kept`: every event is in the log; `pending`: some are not, and need not be yet; `broken`: the promise is. With a broken
 * one, the receipt and the log's own signed checkpoint are the evidence.
 */
export type ReceiptVerdict =
  | { outcome: 'kept'; notes: string[] }
  | { outcome: 'pending'; missing: number; due: string }
  /** The log could not be read, which proves nothing. */
  | { outcome: 'unchecked'; detail: string }
  | { outcome: 'broken'; reason: BrokenReason; detail: string; checkpoint?: string };

const MAX_NOTE_BYTES = 1024 * 1024;

export type BrokenReason = 'signature-invalid' | 'omitted' | 'replaced' | 'log-not-clean';

/** Whether the log's key has signed it, which alone says nothing of the log. @returns undefined if it has */
export function unsigned(receipt: Receipt, logKey: string): ReceiptVerdict | undefined {
  if (verifyReceipt(receipt, logKey)) return undefined;
  return { outcome: 'broken', reason: 'signature-invalid', detail: 'the receipt is not signed by this log key' };
}

/**
 * Reads the whole log.
 * @param now milliseconds since 1970
 */
export async function auditReceipt(
  server: LogServer,
  receipt: Receipt,
  logKey: string,
  now: number,
): Promise<ReceiptVerdict> {
  const forged = unsigned(receipt, logKey);
  if (forged !== undefined) return forged;
  const stream = parseVerifierKey(logKey).name.split('/').at(-1) ?? '';
  const promised = new Promised(receipt);
  const due = Date.parse(receipt.time) + RECEIPT_MS;
  if (now < due && (await isMissing(server, stream))) {
    return { outcome: 'pending', missing: promised.missing, due: new Date(due).toISOString() };
  }
  const report = await auditLog(new TiledLog(server, stream), stream, { logKeys: [logKey] }, undefined, (leaf) =>
    promised.take(leaf),
  );
  return judge(receipt, promised, report, now);
}

function judge(receipt: Receipt, promised: Promised, report: LogReport, now: number): ReceiptVerdict {
  const [first] = report.findings;
  if (first?.reason === 'unreachable') return { outcome: 'unchecked', detail: first.detail };
  const others = report.findings.filter(({ reason }) => reason !== 'omitted');
  if (first !== undefined && (others.length > 0 || promised.missing === 0)) {
    const { reason, detail } = others[0] ?? first;
    return { outcome: 'broken', reason: 'log-not-clean', detail: `${reason}: ${detail}` };
  }
  const checkpoint = report.seen === undefined ? {} : { checkpoint: report.seen.checkpoint };
  if (promised.missing > 0) {
    const due = Date.parse(receipt.time) + RECEIPT_MS;
    if (now < due) return { outcome: 'pending', missing: promised.missing, due: new Date(due).toISOString() };
    const detail = `seq ${promised.firstMissing} of ${receipt.source} is not in the log of ${report.size} leaves`;
    const others = promised.missing === 1 ? '' : `, nor are ${promised.missing - 1} more`;
    return { outcome: 'broken', reason: 'omitted', detail: `${detail}${others}`, ...checkpoint };
  }
  const ids = promised.eventIds;
  if (ids === undefined) return { outcome: 'kept', notes: ['its events were fused: the log names them by seq alone'] };
  if (receiptIdsHash(ids) === receipt.idsHash) return { outcome: 'kept', notes: [] };
  const detail = `the log has other events as seq ${receipt.from} to ${receipt.to} of ${receipt.source}`;
  return { outcome: 'broken', reason: 'replaced', detail, ...checkpoint };
}

/** Nothing of the stream is sealed yet. */
async function isMissing(server: LogServer, stream: string): Promise<boolean> {
  try {
    return (await fetchIfThere(server, `log/${encodeURIComponent(stream)}/checkpoint`, MAX_NOTE_BYTES)) === undefined;
  } catch (error) {
    if (error instanceof AuditError) return false;
    throw error;
  }
}

/** What the log has of the events that a receipt names. */
class Promised {
  readonly #receipt: Receipt;
  /** By seq; undefined where the leaf has no event id of its own. */
  readonly #found = new Map<number, string | undefined>();

  constructor(receipt: Receipt) {
    this.#receipt = receipt;
  }

  take(leaf: Leaf): void {
    if (leaf.kind === 'fused') for (const [source, seq] of leaf.inputs) this.#note(source, seq, undefined);
    else if (leaf.kind === 'record' || leaf.kind === 'quarantined') this.#note(leaf.source, leaf.seq, leaf.eventId);
  }

  get missing(): number {
    const { from, to } = this.#receipt;
    return to - from + 1 - this.#found.size;
  }

  get firstMissing(): number {
    let seq = this.#receipt.from;
    while (this.#found.has(seq)) seq++;
    return seq;
  }

  /** In the order of seq; undefined where not all have one. */
  get eventIds(): string[] | undefined {
    const ids = [...this.#found].sort(([a], [b]) => a - b).map(([, id]) => id);
    return ids.some((id) => id === undefined) ? undefined : (ids as string[]);
  }

  #note(source: string, seq: number, eventId: string | undefined): void {
    const { source: own, from, to } = this.#receipt;
    if (source !== own || seq < from || seq > to) return;
    if (eventId !== undefined || !this.#found.has(seq)) this.#found.set(seq, eventId);
  }
}
