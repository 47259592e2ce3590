/** How often the server says something, and how soon it is asked again. */
import { passingDelay } from './http.ts';
import type { Frame } from './messages.ts';
import { MIN_DELAY_MS } from './retry.ts';
import type { Delivery } from './transport.ts';

export interface PaceOptions {
  idleTimeoutMs?: number | undefined;
  retryForMs?: number | undefined;
}

/** As long as the server has not said how often it sends heartbeats. */
const IDLE_TIMEOUT_MS = 45_000;
const MISSED_HEARTBEATS = 3;
/** On a slow network, a heartbeat may be late. */
const MIN_IDLE_MS = 5_000;
/** What is longer was not meant. */
const MAX_HEARTBEAT_MS = 3_600_000;
/** Before the next connection, where the server did not say otherwise. */
const RECONNECT_MS = 1_000;
const MAX_RECONNECT_MS = 60_000;
/** A connection that stood for so long was one, though it brought no message. */
const STEADY_MS = 5_000;

/**
 * The time to wait grows with every connection that brings nothing, up to five seconds: a server that greets and hangs
 * up is not asked more often than one that is gone.
 */
export class Pace {
  readonly #idleTimeoutMs: number | undefined;
  readonly #retryForMs: number;
  #idleMs = IDLE_TIMEOUT_MS;
  #retryMs = RECONNECT_MS;
  /** Connections in a row that came to nothing. */
  #attempt = 0;
  /** When this connection brought its first message, hello or heartbeat. */
  #heardAt: number | undefined;
  #lostAt: number | undefined;
  #full = false;

  constructor({ idleTimeoutMs, retryForMs = Number.POSITIVE_INFINITY }: PaceOptions) {
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#retryForMs = retryForMs;
  }

  get idleMs(): number {
    return this.#idleTimeoutMs ?? this.#idleMs;
  }

  /** A connection is about to be made. */
  begin(): void {
    this.#heardAt = undefined;
    this.#full = false;
  }

  hear({ body }: Frame): void {
    this.#heardAt ??= performance.now();
    this.#lostAt = undefined;
    if (body.type !== 'hello') return;
    const { heartbeatMs, retryMs } = body;
    if (isDuration(heartbeatMs) && heartbeatMs <= MAX_HEARTBEAT_MS) {
      this.#idleMs = Math.max(MIN_IDLE_MS, MISSED_HEARTBEATS * heartbeatMs);
    }
    if (isDuration(retryMs)) this.#wish(retryMs);
  }

  take({ retryMs, full = false }: Omit<Delivery, 'frames'>): void {
    if (retryMs !== undefined) this.#wish(retryMs);
    this.#full = full;
  }

  /** A message that was asked for has come. */
  progress(): void {
    this.#attempt = 0;
  }

  /** Milliseconds until the next connection; undefined where it would change nothing, or too long has been tried. */
  delayAfter(error: unknown): number | undefined {
    const now = performance.now();
    const heardAt = this.#heardAt;
    if (heardAt !== undefined && now - heardAt >= STEADY_MS) this.#attempt = 0;
    const backoff = passingDelay(error, this.#attempt++);
    this.#lostAt ??= now;
    if (backoff === undefined || now - this.#lostAt + backoff > this.#retryForMs) return undefined;
    // One that was there is made anew when the server wants it to be.
    return heardAt === undefined ? backoff : Math.max(this.#full ? MIN_DELAY_MS : this.#retryMs, backoff);
  }

  /** The time after which the server wants to be asked again, as far as that makes sense. */
  #wish(retryMs: number): void {
    this.#retryMs = Math.min(MAX_RECONNECT_MS, Math.max(MIN_DELAY_MS, retryMs));
  }
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}
