/**
 * What a tracker reports, and goes on:
 * - `invalid-message`: a message is no JSON object, or an event that is not as it has to be; it is left out
 * - `handler-failed`: a handler threw; it is called again after a while
 * - `handler-parked`: a handler threw as often as it may; the delivery waits among `parked()`
 * - `journal-failed`: the journal could not be read; it is read again from the same place
 * - `redis-failed`: the connection is in trouble, or the channels could not be subscribed to
 * - `store-failed`: something could not be stored; what the journal has comes again
 *
 * and what it throws at its caller:
 * - `invalid-argument`: the options, or the use of a transaction, are wrong
 */
export const TRACKER_ERROR_CODES = [
  'invalid-message',
  'handler-failed',
  'handler-parked',
  'journal-failed',
  'redis-failed',
  'store-failed',
  'invalid-argument',
] as const;

export type TrackerErrorCode = (typeof TRACKER_ERROR_CODES)[number];

export class TrackerError extends Error {
  readonly code: TrackerErrorCode;
  /** `event:batch_tag`, where it is about one. */
  readonly key: string | undefined;
  /** The handler's name, where it is about one. */
  readonly handler: string | undefined;

  constructor(
    code: TrackerErrorCode,
    message: string,
    { cause, key, handler }: ErrorOptions & { key?: string; handler?: string } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TrackerError';
    this.code = code;
    this.key = key;
    this.handler = handler;
  }
}

/** What was thrown, in words. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
