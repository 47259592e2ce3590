/** Authenticates, decodes, identifies and bounds what sources deliver. What leaves here goes to the journal as it is. */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { Position } from '../event.ts';
import { InvalidId } from '../external-id.ts';
import { SALT_BYTES, saltedHash } from '../salt.ts';
import { EventBatchBuilder } from '../store/batch.ts';
import type { FingerprintIndex } from '../store/fingerprints/index.ts';
import type { EventsEntry } from '../store/journal.ts';
import type { Source } from '../stream.ts';
import { Admission } from './admission.ts';
import type { Credentials, SourceAuth } from './auth.ts';
import { decode, type Format } from './decode.ts';
import { type Decoded, Unreadable } from './decoded.ts';
import { IntakeError, type Rejection } from './errors.ts';
import { Identity } from './identity.ts';
import { type EventBounds, readEvent } from './read-event.ts';
import { compileRedaction, type Redaction } from './redaction.ts';
import type { Versions } from './versions.ts';

/** One batch as a source handed it over. */
export interface Delivery {
  /** Named outside the body (query or header); a name inside the body must agree. */
  sourceId: string | undefined;
  format: Format;
  body: Buffer;
  credentials: Credentials;
  /** The sender's name for this delivery, which identifies events that have nothing else. */
  deliveryId: string | undefined;
  /** Whether the sender wants a signed receipt. */
  receipt: boolean;
  /** The batch that the events are of: they are taken only while it is open on the source's stream. */
  batch?: string;
}

/** A delivery that has been read: its new events, waiting for the commit, and what to tell the sender then. */
export interface Draft {
  sourceId: string;
  stream: string;
  /** Event ids of all durable events of the delivery, in input order, duplicates too. */
  eventIds: string[];
  duplicates: number;
  /** `seq` of the events that the duplicates repeat, in input order. */
  repeated: number[];
  rejected: Rejection[];
  /** Absent when there is nothing new. */
  entry: EventsEntry | undefined;
}

export interface IntakeOptions {
  sources: readonly Source[];
  auth: SourceAuth;
  /** For the sources whose policies hash fields. */
  hashKeys: ReadonlyMap<string, Uint8Array>;
  /** Of the salted streams. */
  streamKeys?: ReadonlyMap<string, Uint8Array>;
  index: FingerprintIndex;
  versions: Versions;
  /** Whether a batch has begun on the stream, and not ended. */
  isOpenBatch: (tag: string, stream: string) => boolean;
  limits: { eventsPerRequest: number; eventBytes: number };
}

interface Feed {
  source: Source;
  identity: Identity;
  /** Undefined where events are journaled as they came. */
  redaction: Redaction | undefined;
  salted: boolean;
}

/** Where the next entry of the commit under way begins. */
export interface Numbering {
  next: Position;
  seqs: Map<string, number>;
  at: number;
}

export class Intake {
  readonly #feeds: Map<string, Feed>;
  readonly #admission: Admission;
  readonly #index: FingerprintIndex;
  readonly #limits: IntakeOptions['limits'];
  readonly #versions: Versions;
  readonly #isOpen: IntakeOptions['isOpenBatch'];

  /** @throws KeyError `key-missing` when a policy hashes fields and its source has no key */
  constructor(options: IntakeOptions) {
    const feedOf = (source: Source): Feed => {
      const key = options.streamKeys?.get(source.stream);
      return {
        source,
        identity: new Identity(source, key),
        redaction: compileRedaction(source.policy, options.hashKeys.get(source.id)),
        salted: key !== undefined,
      };
    };
    this.#feeds = new Map(options.sources.map((source) => [source.id, feedOf(source)]));
    this.#admission = new Admission(options.sources, options.auth);
    this.#index = options.index;
    this.#limits = options.limits;
    this.#versions = options.versions;
    this.#isOpen = options.isOpenBatch;
  }

  /**
   * Reads a delivery and numbers its new events on from `numbering`.
   * @throws IntakeError when the delivery is refused as a whole; nothing of it is kept then
   */
  draft(delivery: Delivery, numbering: Numbering): Draft {
    // Where the source is named outside the body, nobody without its key gets as far as having a body parsed.
    if (delivery.sourceId !== undefined) this.#admit(delivery.sourceId, delivery.credentials);
    const { sourceId: named, items } = decode(delivery.format, delivery.body, this.#limits.eventsPerRequest);
    if (named !== undefined && delivery.sourceId !== undefined && named !== delivery.sourceId) {
      throw new IntakeError('bad-request', 'the body and the request name different sources');
    }
    const feed = this.#admit(delivery.sourceId ?? named ?? 'default', delivery.credentials);
    const { batch } = delivery;
    if (batch !== undefined && !this.#isOpen(batch, feed.source.stream)) {
      throw new IntakeError('batch-not-open', `no batch "${batch.slice(0, 128)}" is open on the stream of this source`);
    }
    const reading = new Reading(feed, delivery, numbering, this.#index, this.#versions, this.#limits.eventBytes);
    const draft = reading.read(items);
    if (draft.eventIds.length === 0 && draft.rejected.length > 0) {
      throw new IntakeError('no-valid-events', 'every event was refused; "rejected" says why', {
        rejected: draft.rejected,
      });
    }
    return draft;
  }

  /** To be called when the commit has ended, well or not. */
  settled(): void {
    this.#versions.settled();
  }

  #admit(sourceId: string, credentials: Credentials): Feed {
    const { id } = this.#admission.admit(sourceId, credentials);
    return this.#feeds.get(id)!;
  }
}

/** The reading of one delivery, event by event. */
class Reading {
  readonly #feed: Feed;
  readonly #delivery: Delivery;
  readonly #numbering: Numbering;
  readonly #index: FingerprintIndex;
  readonly #versions: Versions;
  readonly #eventBytes: number;
  readonly #eventIds: string[] = [];
  readonly #rejected: Rejection[] = [];
  readonly #repeated: number[] = [];

  constructor(
    feed: Feed,
    delivery: Delivery,
    numbering: Numbering,
    index: FingerprintIndex,
    versions: Versions,
    eventBytes: number,
  ) {
    this.#feed = feed;
    this.#delivery = delivery;
    this.#numbering = numbering;
    this.#index = index;
    this.#versions = versions;
    this.#eventBytes = eventBytes;
  }

  read(items: Decoded['items']): Draft {
    const { source, salted } = this.#feed;
    const salts = salted ? randomBytes(items.length * SALT_BYTES) : undefined;
    const builder = new EventBatchBuilder(items.length, totalLength(items), salts);
    const first = this.#numbering.next;
    const seq = (this.#numbering.seqs.get(source.id) ?? 0) + 1;
    this.#versions.opened(first, seq, builder.batch);
    const bounds = { maxBytes: this.#eventBytes, isUtf8: isUtf8(this.#delivery.body) };
    for (const [index, item] of items.entries()) {
      if (item instanceof Unreadable) this.#reject(index, item.error, item.hint);
      else this.#take(index, item, bounds, builder, first);
    }
    const [eventIds, repeated] = [this.#eventIds, this.#repeated];
    const result = {
      ...{ sourceId: source.id, stream: source.stream, eventIds, duplicates: repeated.length, repeated },
    };
    if (builder.count === 0) return { ...result, rejected: this.#rejected, entry: undefined };
    this.#numbering.next = first + builder.count;
    this.#numbering.seqs.set(source.id, seq + builder.count - 1);
    const entry: EventsEntry = {
      kind: 'events',
      first,
      stream: source.stream,
      source: source.id,
      seq,
      at: this.#numbering.at,
      events: builder.finish(),
    };
    return { ...result, rejected: this.#rejected, entry };
  }

  #take(index: number, sent: Buffer, bounds: EventBounds, builder: EventBatchBuilder, first: Position): void {
    const event = readEvent(sent, bounds);
    if (event instanceof Unreadable) {
      this.#reject(index, event.error, event.hint);
      return;
    }
    const { redaction } = this.#feed;
    const bytes = redaction?.concerns(event) === true ? Buffer.from(redaction.apply(event)) : sent;
    const { deliveryId } = this.#delivery;
    const name = deliveryId === undefined ? undefined : { id: deliveryId, index };
    const eventIdDigest = this.#feed.identity.eventIdDigest(event, name);
    if (eventIdDigest instanceof InvalidId) {
      this.#reject(index, 'id-invalid', eventIdDigest.hint);
      return;
    }
    const { batch } = builder;
    const rawDigest = saltedHash(batch.salt(builder.count), bytes, 'latin1');
    const place = builder.add(eventIdDigest, rawDigest, bytes);
    this.#eventIds.push(batch.eventId(place));
    const verdict = this.#versions.judge(batch, place, event, this.#feed.source.dedup !== 'first');
    if (verdict.known) {
      builder.dropLast();
      this.#repeated.push(verdict.seq);
      return;
    }
    if ('tooMany' in verdict) {
      builder.dropLast();
      this.#eventIds.pop();
      this.#reject(
        index,
        'too-many-versions',
        'this id has come with too many contents: an id names one event, not its sender',
      );
      return;
    }
    if ('supersedes' in verdict) builder.markSuperseding(place, verdict.supersedes);
    this.#index.add(batch.fingerprintHigh(place), batch.fingerprintLow(place), first + place);
  }

  #reject(index: number, error: Rejection['error'], hint: string): void {
    this.#rejected.push({ index, error, hint });
  }
}

function totalLength(items: Decoded['items']): number {
  let length = 0;
  for (const item of items) if (!(item instanceof Unreadable)) length += item.length;
  return length;
}
