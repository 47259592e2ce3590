/** Sending events, and sending them again until they are on disk. */
import { ProofError, parseReceipt, type Receipt, toHex } from '@tidemark/proof';
import { type Batch, Batcher, type BatchLimits, bodyOf, type Format } from './batches.ts';
import { ClientError } from './errors.ts';
import { CALL_OPTIONS, type CallOptions, type Http } from './http.ts';
import { duration, type Names, oneOf, onlyKnown, positive } from './options.ts';

export interface PublishOptions extends CallOptions, BatchLimits {
  /** Default: the source `default`. */
  sourceId?: string | undefined;
  /** Default `ndjson`. Either way the server stores the same bytes of an event. */
  format?: Format | undefined;
  /**
   * Names this call, so that the server knows a repetition. Events without an identity of their own are stored once for
   * each key; the client makes a new one for each call, and repeats it when it tries again.
   */
  idempotencyKey?: string | undefined;
  /** Ask for signed receipts. */
  receipt?: boolean | undefined;
}

export interface PublishFromOptions extends PublishOptions {
  /** Requests under way at once, default 1: with more, batches may be stored in another order than they were sent. */
  inFlight?: number | undefined;
  /** Milliseconds that an event waits for others to fill up its batch, default 20. */
  lingerMs?: number | undefined;
}

export interface Rejected {
  /** Place of the event in the input, from 0. */
  index: number;
  error: string;
  hint?: string;
}

export interface Published {
  /** Event ids of all that is durable, in input order; those that were known before too. */
  inserted: string[];
  /** How many those are. */
  count: number;
  duplicates: number;
  rejected: Rejected[];
  /** One for each request that the server has given one for; [] unless asked for. */
  receipts: Receipt[];
}

/** One request's part of the whole: events `[first, first + events)` of the input. */
export interface PublishedBatch extends Published {
  first: number;
  events: number;
}

const PUBLISH_OPTIONS: Names<PublishOptions> = {
  ...{ ...CALL_OPTIONS, maxEvents: true, maxChars: true },
  ...{ sourceId: true, format: true, idempotencyKey: true, receipt: true },
};
const FROM_OPTIONS: Names<PublishFromOptions> = { ...PUBLISH_OPTIONS, inFlight: true, lingerMs: true };
const FORMATS: readonly Format[] = ['json', 'ndjson'];

const LINGER_MS = 20;
/** Answers about each event, like any other, though none of them was taken. */
const ALL_REJECTED = 'no-valid-events';

/** @throws ClientError; what was sent in batches before the one that failed is durable */
export async function publish(http: Http, events: readonly object[], options: PublishOptions): Promise<Published> {
  onlyKnown('publish', options, PUBLISH_OPTIONS);
  const all: Published = { inserted: [], count: 0, duplicates: 0, rejected: [], receipts: [] };
  for await (const batch of publishFrom(http, events, options)) {
    for (const id of batch.inserted) all.inserted.push(id);
    for (const rejected of batch.rejected) all.rejected.push(rejected);
    all.receipts.push(...batch.receipts);
    all.count += batch.count;
    all.duplicates += batch.duplicates;
  }
  return all;
}

/**
 * Sends what an iterable gives, a batch at a time, and yields what became of each, in order. It reads on only while
 * fewer than `inFlight` requests are under way and their results are taken.
 */
export async function* publishFrom(
  http: Http,
  events: Iterable<object> | AsyncIterable<object>,
  options: PublishFromOptions,
): AsyncGenerator<PublishedBatch, void, undefined> {
  const { inFlight = 1, idempotencyKey = randomKey() } = options;
  onlyKnown('publishFrom', options, FROM_OPTIONS);
  oneOf('format', options.format, FORMATS);
  positive('inFlight', inFlight);
  duration('lingerMs', options.lingerMs);
  duration('retryForMs', options.retryForMs);
  const underWay: Promise<PublishedBatch>[] = [];
  let sent = 0;
  for await (const batch of batches(events, options)) {
    const request = send(http, batch, `${idempotencyKey}-${sent++}`, options);
    // One that fails is heard of in its turn, if that comes.
    request.catch(() => undefined);
    underWay.push(request);
    while (underWay.length >= inFlight) yield (await underWay.shift())!;
  }
  for (const request of underWay) yield await request;
}

/** Full batches, and such as have waited long enough. */
async function* batches(
  events: Iterable<object> | AsyncIterable<object>,
  { lingerMs = LINGER_MS, signal, ...limits }: PublishFromOptions,
): AsyncGenerator<Batch, void, undefined> {
  const batcher = new Batcher(limits);
  if (Symbol.iterator in events) {
    for (const event of events) {
      const full = batcher.add(event);
      if (full !== undefined) yield full;
    }
  } else {
    yield* lingering(events[Symbol.asyncIterator](), batcher, lingerMs, signal);
  }
  if (!batcher.empty) yield batcher.take();
}

async function* lingering(
  events: AsyncIterator<object>,
  batcher: Batcher,
  lingerMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch, void, undefined> {
  let linger: Linger | undefined;
  const ended = new Ended(signal);
  let more = true;
  try {
    for (let next = events.next(); ; ) {
      const result = await Promise.race([next, ended.early, ...(linger === undefined ? [] : [linger.over])]);
      if (result === undefined) {
        linger = undefined;
        yield batcher.take();
        continue;
      }
      more = !result.done;
      if (result.done) return;
      const full = batcher.add(result.value);
      if (full !== undefined) {
        linger?.stop();
        linger = undefined;
      }
      if (!batcher.empty) linger ??= new Linger(lingerMs);
      if (full !== undefined) yield full;
      next = events.next();
    }
  } finally {
    linger?.stop();
    ended.forget();
    // Not waited for: a source that waits for its next event would not hear of it before that came.
    if (more) Promise.resolve(events.return?.()).catch(() => undefined);
  }
}

/** The signal as a promise that nobody has to wait for. */
class Ended {
  readonly early: Promise<never>;
  readonly #signal: AbortSignal | undefined;
  #abort = () => undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.early = new Promise((_, reject) => {
      this.#abort = () => void reject(signal?.reason);
      if (signal?.aborted) this.#abort();
      else signal?.addEventListener('abort', this.#abort, { once: true });
    });
    this.early.catch(() => undefined);
  }

  forget(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
  }
}

class Linger {
  readonly over: Promise<undefined>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.over = new Promise((resolve) => {
      this.#timer = setTimeout(() => resolve(undefined), ms);
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

async function send(http: Http, batch: Batch, key: string, options: PublishOptions): Promise<PublishedBatch> {
  const { body, headers } = bodyOf(batch, options.format ?? 'ndjson');
  const outgoing = {
    ...{ method: 'POST' as const, body, query: { sourceId: options.sourceId } },
    headers: { ...headers, 'idempotency-key': key, ...(options.receipt ? { prefer: 'receipt' } : {}) },
  };
  const answer = (value: unknown) => answerOf(value, batch);
  try {
    return await http.json('ingest/events', outgoing, answer, options);
  } catch (error) {
    if (error instanceof ClientError && error.problem === ALL_REJECTED) return answer(error.body);
    throw error;
  }
}

/** @throws ClientError `bad-answer` */
function answerOf(value: unknown, { first, texts }: Batch): PublishedBatch {
  const answer = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { inserted = [], count = 0, duplicates = 0, rejected, receipt } = answer;
  const whole = Array.isArray(inserted) && Array.isArray(rejected) && isCount(count) && isCount(duplicates);
  if (!whole || count + rejected.length > texts.length || !rejected.every(isRejected)) {
    throw new ClientError('bad-answer', 'ingest/events: the answer is not one about these events');
  }
  return {
    ...{ first, events: texts.length, inserted, count, duplicates },
    rejected: rejected.map((one) => ({ ...one, index: first + one.index })),
    receipts: receipt === undefined ? [] : [receiptOf(receipt)],
  };
}

function isRejected(value: unknown): value is Rejected {
  const { index, error } = (value ?? {}) as Record<string, unknown>;
  return isCount(index) && typeof error === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function receiptOf(value: unknown): Receipt {
  try {
    return parseReceipt(value);
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    throw new ClientError('bad-answer', `ingest/events: ${cause.message}`, { cause });
  }
}

function randomKey(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}
