import { type VerificationReport, type VerifyOptions, verifyProof } from '@tidemark/proof';
import { ClientError } from './errors.ts';
import { Feed, type FeedOptions } from './feed.ts';
import { CALL_OPTIONS, type CallOptions, Http, type HttpOptions } from './http.ts';
import { LOG_PINS, type LogPins, VerifiedLog } from './log.ts';
import type { WatchMessage } from './messages.ts';
import { type Names, onlyKnown } from './options.ts';
import {
  type Published,
  type PublishedBatch,
  type PublishFromOptions,
  type PublishOptions,
  publish,
  publishFrom,
} from './publish.ts';
import { VERIFICATION, VerifiedWatch, verifiable, type WatchVerification } from './verified-watch.ts';
import { checkWatchOptions, follow, type WatchOptions } from './watch.ts';
import type { OpenSocket } from './websocket-transport.ts';

export interface TidemarkOptions extends HttpOptions {
  /**
   * Makes the connections of `transport: 'websocket'`. Default: the global WebSocket, which carries no headers: with a
   * `token`, the server is asked for one that soon expires, which goes into the address.
   */
  openSocket?: OpenSocket | undefined;
}

export interface VerifiedWatchOptions extends WatchOptions {
  /** Hold what comes against the log, packet by packet; see `VerifiedWatch`. `{}` trusts the first key that is shown. */
  verify?: WatchVerification | undefined;
}

/** What a verification came to, with the proof file for whoever wants to keep it. */
export type ProofReport = VerificationReport & { proof: unknown };

const OPTIONS: Names<TidemarkOptions> = {
  ...{ url: true, token: true, fetch: true, timeoutMs: true, retryForMs: true, openSocket: true },
};
const VERIFY_OPTIONS: Names<VerifyOptions> = {
  ...{ publisher: true, logKey: true, witnesses: true, quorum: true, headers: true },
  ...{ pins: true, minConfs: true, dev: true, primitives: true },
};
const EVENT_ID = /^[0-9a-f]{32}$/;

/**
 * One server.
 *
 *     const tidemark = new Tidemark({ url: 'http://127.0.0.1:8788' });
 *     await tidemark.publish([{ id: 'a1', level: 2.4 }], { sourceId: 'gauge-7' });
 *     for await (const message of tidemark.watch({ type: 'certified' })) console.log(message.eventId);
 */
export class Tidemark {
  readonly #http: Http;
  readonly #openSocket: OpenSocket;

  /** @throws ClientError `invalid-argument` */
  constructor(options: TidemarkOptions) {
    onlyKnown('Tidemark', options, OPTIONS);
    const { openSocket, token } = options;
    this.#http = new Http(options);
    this.#openSocket = openSocket ?? ((url) => (token === undefined ? new WebSocket(url) : this.#openWithToken(url)));
  }

  /**
   * Sends events, in batches if they are many, and comes back when all are on disk. Outages are waited out for as long
   * as `retryForMs` says; a repetition is known as one by its key.
   * @throws ClientError; what was sent in batches before the one that failed is durable
   */
  publish(events: readonly object[], options: PublishOptions = {}): Promise<Published> {
    return publish(this.#http, events, options);
  }

  /** The same for what comes one by one: yields what became of each batch, and reads no further than it can send. */
  publishFrom(
    events: Iterable<object> | AsyncIterable<object>,
    options: PublishFromOptions = {},
  ): AsyncGenerator<PublishedBatch, void, undefined> {
    return publishFrom(this.#http, events, options);
  }

  /**
   * Follows the live feed. Breaks are mended: it goes on behind the last message that was taken, and each comes once.
   * To go on in another process, keep the `id` of the last message that was dealt with and give it as `since`.
   * @throws ClientError when the server refuses; with `verify`, LogError at the first lie
   */
  watch(options: VerifiedWatchOptions = {}): AsyncGenerator<WatchMessage, void, undefined> {
    checkWatchOptions(options, { verify: true });
    const { verify, ...wanted } = options;
    if (verify === undefined) return follow(this.#http, wanted, this.#openSocket);
    onlyKnown('verify', verify, VERIFICATION);
    const { signal } = wanted;
    const logOf = (stream: string) => new VerifiedLog(this.#http, stream, verify, { signal });
    return new VerifiedWatch(wanted, verify, logOf).of(follow(this.#http, verifiable(wanted), this.#openSocket));
  }

  /** What is certified so far, in log order. */
  feed(options: FeedOptions = {}): Feed {
    return new Feed(this.#http, options);
  }

  /** A stream's log, verified. Keep the object: it holds each checkpoint against the one before. */
  log(stream: string, pins: LogPins = {}, call: CallOptions = {}): VerifiedLog {
    onlyKnown('log', pins, LOG_PINS);
    onlyKnown('log', call, CALL_OPTIONS);
    return new VerifiedLog(this.#http, stream, pins, call);
  }

  /** What `/ingest/events/ID` answers: the newest version, or the one that `seq` names. */
  async event(
    eventId: string,
    { seq, ...call }: CallOptions & { seq?: number } = {},
  ): Promise<Record<string, unknown>> {
    onlyKnown('event', call, CALL_OPTIONS);
    const query = { seq: seq === undefined ? undefined : String(seq) };
    return this.#http.json(`ingest/events/${encodeURIComponent(eventId)}`, { query }, objectOf, call);
  }

  /**
   * Verifies a proof file, or fetches and verifies the one of an event. Of an event that is not certified yet, the proof
   * is waited for. What is not valid is a report with `valid: false`, and no error; that of a development chain is
   * valid with `dev: true` alone.
   * @param proof the file as JSON value, or an event's id
   * @throws ClientError where there is no proof to be had; ProofError for options that are of no use
   */
  async verify(proof: unknown, options: VerifyOptions = {}, call: CallOptions = {}): Promise<ProofReport> {
    onlyKnown('verify', options, VERIFY_OPTIONS);
    onlyKnown('verify', call, CALL_OPTIONS);
    const file = typeof proof === 'string' ? await this.#proofOf(proof, call) : proof;
    return { ...verifyProof(file, options), proof: file };
  }

  /** Valid proofs there are of any event: it has to be that of this one. Of an input it is the fused record's. */
  async #proofOf(eventId: string, call: CallOptions): Promise<Record<string, unknown>> {
    if (!EVENT_ID.test(eventId)) throw new ClientError('invalid-argument', 'an event id has 32 lower-case hex digits');
    const proof = await this.#http.json(`ingest/events/${eventId}/proof`, {}, objectOf, call);
    const { kind, eventId: proven } = objectOf(proof.leaf);
    if (proven === eventId || kind === 'fused') return proof;
    throw new ClientError('bad-answer', `the server has answered with the proof of event ${String(proven)}`);
  }

  async #openWithToken(url: URL): Promise<WebSocket> {
    const token = await this.#http.json('watch/token', { method: 'POST' }, (answer) => String(objectOf(answer).token));
    url.searchParams.set('token', token);
    return new WebSocket(url);
  }
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ClientError('bad-answer', 'the answer is no JSON object');
}
