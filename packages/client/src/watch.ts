/** Following `/watch` for as long as it takes: connection after connection, each behind the last message taken. */
import { Asked } from './asked.ts';
import { ClientError } from './errors.ts';
import type { Http } from './http.ts';
import { type MessageType, messageOf, type WatchMessage } from './messages.ts';
import { duration, type Names, oneOf, onlyKnown } from './options.ts';
import { Pace } from './pace.ts';
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

const WATCH_OPTIONS: Names<WatchOptions> = {
  ...{ stream: true, sourceId: true, type: true, filter: true, split: true, key: true, fields: true },
  ...{ since: true, snapshot: true, slow: true, transport: true },
  ...{ idleTimeoutMs: true, retryForMs: true, onRetry: true, signal: true },
};
const TRANSPORTS: readonly string[] = ['sse', 'websocket'];

/** @throws ClientError `invalid-argument` */
export function checkWatchOptions<T extends WatchOptions>(options: T, more: Names<Omit<T, keyof WatchOptions>>): void {
  onlyKnown('watch', options, { ...WATCH_OPTIONS, ...more } as Names<T>);
  oneOf('transport', options.transport, TRANSPORTS);
  duration('idleTimeoutMs', options.idleTimeoutMs);
  duration('retryForMs', options.retryForMs);
}

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
  const { signal = new AbortController().signal } = options;
  const pace = new Pace(options);
  const asked = new Asked(options);
  const connect = connector(http, options, openSocket, pace, signal);
  let cursor: string | undefined;
  while (!signal.aborted) {
    let delay: number | undefined;
    pace.begin();
    try {
      for await (const { frames, ...delivery } of connect(cursor)) {
        pace.take(delivery);
        for (const frame of frames) {
          pace.hear(frame);
          cursor = frame.id ?? cursor;
          const message = messageOf(frame, cursor ?? '', options.fields === undefined);
          if (message !== undefined) {
            asked.check(message);
            pace.progress();
            yield message;
          }
          if (signal.aborted) return;
        }
      }
      throw new ClientError('unreachable', 'watch: the server ended the connection');
    } catch (error) {
      if (signal.aborted) return;
      delay = pace.delayAfter(error);
      if (delay === undefined) throw error;
      options.onRetry?.(error, delay);
    }
    if (!(await waited(delay, signal))) return;
  }
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
