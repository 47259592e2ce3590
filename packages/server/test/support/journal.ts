/** Journal entries as intake would make them. */
import { hash } from 'node:crypto';
import { canonicalize, eventId } from '@tidemark/proof';
import { type EventBatch, EventBatchBuilder } from '../../src/store/batch.ts';
import type {
  ConfigEntry,
  CutEntry,
  EventsEntry,
  JournalEntry,
  ResolutionAction,
  ResolutionEntry,
} from '../../src/store/journal.ts';
import type { StreamConfig } from '../../src/stream.ts';

export interface Raw {
  id: string;
  text: string;
  supersedes?: number;
}

export function batchOf(source: string, raws: readonly Raw[]): EventBatch {
  const builder = new EventBatchBuilder(
    raws.length,
    raws.reduce((length, { text }) => length + Buffer.byteLength(text), 0),
  );
  for (const { id, text, supersedes } of raws) {
    const digest = Buffer.from(eventId(source, id), 'hex').toString('latin1');
    const place = builder.add(digest, hash('sha256', text, 'latin1'), Buffer.from(text));
    if (supersedes !== undefined) builder.markSuperseding(place, supersedes);
  }
  return builder.finish();
}

/** Numbers entries as the single writer does. */
export class Writer {
  #next: number;
  readonly #seqs = new Map<string, number>();

  constructor(next = 1) {
    this.#next = next;
  }

  events(stream: string, source: string, raws: readonly Raw[], at: number): EventsEntry {
    const seq = (this.#seqs.get(source) ?? 0) + 1;
    this.#seqs.set(source, seq + raws.length - 1);
    return { kind: 'events', first: this.#take(raws.length), stream, source, seq, at, events: batchOf(source, raws) };
  }

  cut(stream: string, at: number): CutEntry {
    return { kind: 'cut', first: this.#take(1), stream, at };
  }

  config(config: StreamConfig, at: number): ConfigEntry {
    return { kind: 'config', first: this.#take(1), stream: config.id, at, config: canonicalize(config) };
  }

  resolution(stream: string, position: number, action: ResolutionAction, at: number): ResolutionEntry {
    const word = { position, action, by: 'admin', reason: `said at ${at}` };
    return { kind: 'resolution', first: this.#take(1), stream, at, ...word };
  }

  #take(count: number): number {
    const first = this.#next;
    this.#next += count;
    return first;
  }
}

/** An entry in plain values, to compare. */
export function plain(entry: JournalEntry | undefined): object | undefined {
  if (entry?.kind !== 'events') return entry;
  const { events, ...rest } = entry;
  const items = Array.from({ length: events.count }, (_, index) => ({
    eventId: events.eventId(index),
    rawHash: events.rawHash(index),
    text: events.text(index),
    supersedes: events.supersedes(index),
  }));
  return { ...rest, items };
}
