/** What the load sends: new events, revisions, duplicates, and events that will be quarantined, in batches of any size. */
import { hash } from 'node:crypto';
import { canonicalize, eventId } from '@tidemark/proof';
import type { Random } from './random.ts';

/** One version of an event. */
export interface SentEvent {
  eventId: string;
  /** Names the version: event id, and hash of what will be certified of it. */
  key: string;
  text: string;
  /** It goes into a fused record and has no place of its own in the feed. */
  fused: boolean;
}

export interface Delivery {
  sourceId: string;
  events: SentEvent[];
}

const LIMIT = 1000;
/** What events are about, where they are fused: so many things that a bucket has room for all that is said of each. */
const GROUPS = 997;
const BOUNDED = { constraints: { bounds: { value: { max: LIMIT } } } };
const ORDER = { bufferMs: 100, idleMs: 300 };
/**
 * Streams of every kind: cut live; with several sources and small packets; in batches by a short clock; in windows of
 * event time; fused.
 */
export const SETTINGS = {
  INGEST_SOURCES_JSON: JSON.stringify([
    { id: 'gauge', policy: BOUNDED },
    { id: 'left', stream: 'pair' },
    { id: 'right', stream: 'pair' },
    { id: 'night' },
    { id: 'tide' },
    { id: 'ship-a', stream: 'fleet' },
    { id: 'ship-b', stream: 'fleet' },
  ]),
  STREAMS_JSON: JSON.stringify([
    { id: 'pair', publish: { mode: 'live', maxEvents: 700 } },
    { id: 'night', publish: { mode: 'batch', maxAgeMs: 250 } },
    { id: 'tide', publish: { windowMs: 400 }, order: ORDER },
    { id: 'fleet', fusion: { strategy: 'latest', key: ['group'], bucketMs: 100 }, order: ORDER },
  ]),
  ANCHOR_INTERVAL_MS: '200',
};
const SOURCES = ['gauge', 'left', 'right', 'night', 'tide', 'ship-a', 'ship-b'] as const;
/** What the feed has in place of a content hash for an event that is not accepted. */
export const NO_CONTENT = 'quarantined';

export class Deliveries {
  readonly #random: Random;
  /** Ids that revisions and duplicates can fall back on, by source. */
  readonly #known = new Map<string, SentEvent[]>();
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Delivery {
    const random = this.#random;
    const sourceId = random.pick(SOURCES)!;
    const size = random.chance(0.4) ? 1 : random.chance(0.8) ? random.between(2, 80) : random.between(200, 1500);
    const known = this.#known.get(sourceId) ?? [];
    this.#known.set(sourceId, known);
    const events = Array.from({ length: size }, () => this.#event(sourceId, known));
    return { sourceId, events };
  }

  #event(sourceId: string, known: SentEvent[]): SentEvent {
    const old = this.#random.chance(0.1) ? this.#random.pick(known) : undefined;
    if (old !== undefined && this.#random.chance(0.5)) return old;
    const id = old === undefined ? `e${++this.#count}` : idOf(old);
    // Revisions too get a value that no event had before, so that each version can be told apart.
    const value = this.#random.next() * LIMIT;
    const refused = sourceId === 'gauge' && old === undefined && this.#random.chance(0.03);
    const event = sentEvent(sourceId, {
      id,
      value: refused ? value + LIMIT : value,
      text: 'é ✓'.repeat(id.length % 3),
      group: Number(id.slice(1)) % GROUPS,
    });
    // One that is refused is not revised: two versions of it could not be told apart in the feed.
    if (!refused && this.#random.chance(0.05)) known.push(event);
    return event;
  }
}

function sentEvent(sourceId: string, event: { id: string; value: number; text: string; group: number }): SentEvent {
  const id = eventId(sourceId, event.id);
  const content = event.value > LIMIT ? NO_CONTENT : hash('sha256', canonicalize(event), 'hex');
  const fused = sourceId.startsWith('ship');
  return { eventId: id, key: `${id} ${content}`, text: JSON.stringify(event), fused };
}

function idOf({ text }: SentEvent): string {
  return (JSON.parse(text) as { id: string }).id;
}
