/**
 * Where a batch begins and where it ends, in the journal. Between the two, what its stream takes in is the batch's, so
 * that its packets, and the rollup over them, are a certificate of the batch. A stream has one batch at a time.
 */
import type { BatchAction, BatchEntry, BatchMarks, JournalReader } from './store/journal.ts';

/** What a batch may be called. */
export const BATCH_TAG = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

export interface BatchMark {
  batch: string;
  stream: string;
  action: BatchAction;
}

/** What has become of a mark. Once more, it changes nothing. */
export type BatchMarked =
  | { kind: 'marked'; marks: BatchMarks }
  /** Another batch has begun on the stream, and not ended. */
  | { kind: 'other-open'; batch: string }
  /** It was to begin, and has ended. */
  | { kind: 'ended' }
  /** The batch is one of another stream. */
  | { kind: 'elsewhere'; stream: string }
  | { kind: 'not-found' };

/** @param journal of which `next` is the position of the mark, if it is to be written */
export function batchMark(
  journal: JournalReader & { readonly next: number },
  { batch, stream, action }: BatchMark,
  at: number,
): { marked: BatchMarked; fresh: BatchEntry[] } {
  const entry: BatchEntry = { kind: 'batch', first: journal.next, stream, at, batch, action };
  const marks = journal.batch(batch);
  if (marks !== undefined && marks.opened.stream !== stream) {
    return { marked: { kind: 'elsewhere', stream: marks.opened.stream }, fresh: [] };
  }
  if (action === 'open') {
    if (marks !== undefined) {
      return { marked: marks.ended === undefined ? { kind: 'marked', marks } : { kind: 'ended' }, fresh: [] };
    }
    const other = journal.openBatch(stream);
    if (other !== undefined) return { marked: { kind: 'other-open', batch: other.batch }, fresh: [] };
    return { marked: { kind: 'marked', marks: { opened: entry, ended: undefined } }, fresh: [entry] };
  }
  if (marks === undefined) return { marked: { kind: 'not-found' }, fresh: [] };
  if (marks.ended !== undefined) return { marked: { kind: 'marked', marks }, fresh: [] };
  return { marked: { kind: 'marked', marks: { ...marks, ended: entry } }, fresh: [entry] };
}
