import type { Http } from './http.ts';
import type { Frame } from './messages.ts';

/** What a connection is to show, and from where. */
export type Wanted = Readonly<Record<string, string | undefined>>;

export interface TransportOptions {
  http: Http;
  /** The connection is given up when nothing at all has come for so long while it was waited for; it may change. */
  idleTimeoutMs: () => number;
}

/**
 * One connection. Its frames end when the server ends it; what it was that broke it is thrown: a ClientError that is
 * `passing` where another connection may do better. It is closed when its reader stops reading.
 */
export type Transport = (wanted: Wanted, options: TransportOptions, signal: AbortSignal) => AsyncIterable<Delivery>;

export interface Delivery {
  /** Complete messages, in order. */
  frames: readonly Frame[];
  /** What to wait before coming back, where something has been said of it. */
  retryMs?: number | undefined;
  /** The connection was closed here, for more has come than could be kept: the rest is to be fetched soon. */
  full?: boolean | undefined;
}

/** A message has at most some 100 KB; beyond this, the other side is no Tidemark server. */
export const MAX_MESSAGE_CHARS = 16 * 1024 * 1024;
