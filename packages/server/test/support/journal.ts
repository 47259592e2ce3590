/** Journal entries as intake would make them. */
import { createHash } from 'node:crypto';
import { canonicalize, eventId, saltedEventId } from '@tidemark/proof';
import { saltedHash } from '../../src/salt.ts';
import { type EventBatch, EventBatchBuilder } from '../../src/store/batch.ts';
import type {
  BatchAction,
  BatchEntry,
  ConfigEntry,
  CutEntry,
  ErasureEntry,
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

/** The key of every salted stream that tests journal for themselves. */
export const STREAM_KEY = Buffer.alloc(32, 5);

/** @param salted with salts that are the same in every run */
export function batchOf(source: string, raws: readonly Raw[], salted = false): EventBatch {
  const length = raws.reduce((length, { text }) => length + Buffer.byteLength(text), 0);
  const salts = Buffer.concat(raws.map(({ text }) => createHash('sha256').update(`salt of ${text}`).digest()));
  const builder = new EventBatchBuilder(raws.length, length, salted ? salts : undefined);
  for (const { id, text, supersedes } of raws) {
    const name = salted ? saltedEventId(STREAM_KEY, source, id) : eventId(source, id);
    const digest = Buffer.from(name, 'hex').toString('latin1');
    const rawDigest = saltedHash(builder.batch.salt(builder.count), text, 'latin1');
    const place = builder.add(digest, rawDigest, Buffer.from(text));
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

  events(stream: string, source: string, raws: readonly Raw[], at: number, salted = false): EventsEntry {
    const seq = (this.#seqs.get(source) ?? 0) + 1;
    this.#seqs.set(source, seq + raws.length - 1);
    const events = batchOf(source, raws, salted);
    return { kind: 'events', first: this.#take(raws.length), stream, source, seq, at, events };
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

  erasure(stream: string, position: number, at: number): ErasureEntry {
    return { kind: 'erasure', first: this.#take(1), stream, at, position, by: 'admin', reason: `asked for at ${at}` };
  }

  batch(stream: string, batch: string, action: BatchAction, at: number): BatchEntry {
    return { kind: 'batch', first: this.#take(1), stream, at, batch, action };
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
    salt: events.salt(index)?.toString('hex'),
  }));
  return { ...rest, items };
}
