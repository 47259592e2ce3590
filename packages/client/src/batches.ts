/** Cuts events into the bodies of requests. */
import { ClientError } from './errors.ts';
import { positive } from './options.ts';

export type Format = 'json' | 'ndjson';

export interface BatchLimits {
  /** Default 1000. */
  maxEvents?: number | undefined;
  /** Characters of JSON, default 4 × 2^20; a single event may be longer. */
  maxChars?: number | undefined;
}

/** Events as the JSON texts that are sent, and sent again. */
export interface Batch {
  /** Place of the first one in the input. */
  first: number;
  texts: readonly string[];
}

const MAX_EVENTS = 1000;
const MAX_CHARS = 4 * 2 ** 20;

/** Fills up one batch after the other. */
export class Batcher {
  readonly #maxEvents: number;
  readonly #maxChars: number;
  #texts: string[] = [];
  #chars = 0;
  #first = 0;

  constructor({ maxEvents = MAX_EVENTS, maxChars = MAX_CHARS }: BatchLimits) {
    this.#maxEvents = positive('maxEvents', maxEvents);
    this.#maxChars = positive('maxChars', maxChars);
  }

  get empty(): boolean {
    return this.#texts.length === 0;
  }

  /** @returns the batch that is full, before the event or with it. @throws ClientError for what is no JSON object */
  add(event: object): Batch | undefined {
    const text = jsonOf(event, this.#first + this.#texts.length);
    const before = !this.empty && this.#chars + text.length > this.#maxChars ? this.take() : undefined;
    this.#texts.push(text);
    this.#chars += text.length;
    if (before !== undefined) return before;
    return this.#texts.length >= this.#maxEvents || this.#chars >= this.#maxChars ? this.take() : undefined;
  }

  /** What there is so far. */
  take(): Batch {
    const batch = { first: this.#first, texts: this.#texts };
    this.#first += this.#texts.length;
    this.#texts = [];
    this.#chars = 0;
    return batch;
  }
}

/** The body of a request, and the headers that go with it. */
export function bodyOf({ texts }: Batch, format: Format): { body: string; headers: Record<string, string> } {
  if (format === 'json') {
    return { body: `{"events":[${texts.join(',')}]}`, headers: { 'content-type': 'application/json' } };
  }
  return { body: `${texts.join('\n')}\n`, headers: { 'content-type': 'application/x-ndjson' } };
}

function jsonOf(event: object, index: number): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(event);
  } catch (cause) {
    throw new ClientError('invalid-argument', `event ${index} has no JSON`, { cause });
  }
  if (text?.startsWith('{')) return text;
  throw new ClientError('invalid-argument', `event ${index} is no JSON object`);
}
