/** Following `/watch` for as long as it takes: connection after connection, each behind the last message taken. */
import { ClientError } from './errors.ts';
import { type Http, passingDelay } from './http.ts';
import { type Frame, type MessageType, messageOf, type WatchMessage } from './messages.ts';
import { pause } from './retry.ts';
import { overSse } from './sse-transport.ts';
import type { Delivery, Transport } from './transport.ts';
import { type OpenSocket, overWebSocket } from './websocket-transport.ts';

export interface WatchOptions {
  /** One or several; without any, all that may be read. */
  stream?: string | readonly string[] | undefined;
  sourceId?: string | readonly string[] | undefined;
  type?: MessageType | readonly MessageType[] | undefined;
  /** An expression over payload and metadata. */
  filter?: string | undefined;
  /** Part `i` of `n` equal ones, for several readers that share the work: `0/4`. */
  split?: string | undefined;
  /** What the split goes by. */
  key?: string | undefined;
  /** Paths of the members that are wanted, of the message as of the payload; all others but `type` are absent. */
  fields?: string | readonly string[] | undefined;
  /** A message's `id`, an RFC 3339 time, `earliest`, or `latest`, which is the default. */
  since?: string | undefined;
  /** In place of `since`: begin with so many of the newest messages, at most 1000. */
  snapshot?: number | undefined;
  /** What the server does when this client cannot keep up, as in docs/http.md. */
  slow?: string | undefined;
  /** Default `sse`. */
  transport?: 'sse' | 'websocket' | undefined;
  /** A connection on which nothing comes for so long is made anew. Default: three of the server's heartbeats. */
  idleTimeoutMs?: number | undefined;
  /** Milliseconds without a connection after which the last failure is thrown. Default: none, it goes on. */
  retryForMs?: number | undefined;
  /** Told of each connection that broke or was not made, and when the next one is. */
  onRetry?: ((error: unknown, delayMs: number) => void) | undefined;
  /** Ends the iteration, without an error. */
  signal?: AbortSignal | undefined;
}

/** As long as the server has not said how often it sends heartbeats. */
const IDLE_TIMEOUT_MS = 45_000;
const MISSED_HEARTBEATS = 3;
/** On a slow network, a heartbeat may be late. */
const MIN_IDLE_MS = 5_000;
/** What is longer was not meant. */
const MAX_DURATION_MS = 3_600_000;
/** Before the next connection, where one ended in good order and the server did not say otherwise. */
const RECONNECT_MS = 1_000;

/**
 * Yields the messages in order, each once: after a break it goes on behind the last one that was taken. Hello,
 * heartbeats and types that are not known here move the cursor alone.
 * @throws ClientError when the server refuses, or says what cannot be
 */
export async function* follow(
  http: Http,
  options: WatchOptions,
  openSocket: OpenSocket,
): AsyncGenerator<WatchMessage, void, undefined> {
  const { signal = new AbortController().signal, retryForMs = Number.POSITIVE_INFINITY } = options;
  const pace = new Pace(options.idleTimeoutMs);
  const connect = connector(http, options, openSocket, pace, signal);
  let cursor: string | undefined;
  let lostAt: number | undefined;
  for (let attempt = 0; !signal.aborted; attempt++) {
    let delay = pace.retryMs;
    let connected = false;
    try {
      for await (const { frames, retryMs } of connect(cursor)) {
        connected = true;
        attempt = 0;
        lostAt = undefined;
        for (const frame of frames) {
          pace.hear(frame);
          cursor = frame.id ?? cursor;
          const message = messageOf(frame, cursor ?? '', options.fields === undefined);
          if (message !== undefined) yield message;
          if (signal.aborted) return;
        }
        delay = retryMs ?? pace.retryMs;
      }
      options.onRetry?.(new ClientError('unreachable', 'watch: the server ended the connection'), delay);
    } catch (error) {
      if (signal.aborted) return;
      const backoff = passingDelay(error, attempt);
      lostAt ??= performance.now();
      if (backoff === undefined || performance.now() - lostAt + backoff > retryForMs) throw error;
      // One that was there and broke is made anew when the server wants it to be.
      delay = connected ? Math.max(delay, backoff) : backoff;
      options.onRetry?.(error, delay);
    }
    if (!(await waited(delay, signal))) return;
  }
}

/** How often the server says something, and how soon it wants to be asked again. */
class Pace {
  retryMs = RECONNECT_MS;
  readonly #fixedIdleMs: number | undefined;
  #idleMs = IDLE_TIMEOUT_MS;

  constructor(fixedIdleMs: number | undefined) {
    this.#fixedIdleMs = fixedIdleMs;
  }

  get idleMs(): number {
    return this.#fixedIdleMs ?? this.#idleMs;
  }

  hear({ body }: Frame): void {
    if (body.type !== 'hello') return;
    const { heartbeatMs, retryMs } = body;
    if (isDuration(heartbeatMs)) this.#idleMs = Math.max(MIN_IDLE_MS, MISSED_HEARTBEATS * heartbeatMs);
    if (isDuration(retryMs)) this.retryMs = retryMs;
  }
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_DURATION_MS;
}

type Connect = (cursor: string | undefined) => AsyncIterable<Delivery>;

function connector(
  http: Http,
  options: WatchOptions,
  openSocket: OpenSocket,
  pace: Pace,
  signal: AbortSignal,
): Connect {
  const transport: Transport = options.transport === 'websocket' ? overWebSocket(openSocket) : overSse;
  const query = queryOf(options);
  const beginning = { since: options.since, snapshot: options.snapshot?.toString() };
  const idleTimeoutMs = () => pace.idleMs;
  return (cursor) => {
    // Not as Last-Event-ID: a page of another origin would have to ask first whether it may send that.
    const from = cursor === undefined ? beginning : { since: cursor };
    return transport({ ...query, ...from }, { http, idleTimeoutMs }, signal);
  };
}

function queryOf(options: WatchOptions): Record<string, string | undefined> {
  const { filter, split, key, slow } = options;
  return {
    stream: listOf(options.stream),
    sourceId: listOf(options.sourceId),
    type: listOf(options.type),
    fields: listOf(options.fields),
    ...{ filter, split, key, slow },
  };
}

function listOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(',') : value;
}

/** False when the signal aborted. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, signal);
    return true;
  } catch (reason) {
    if (signal.aborted) return false;
    throw reason;
  }
}
