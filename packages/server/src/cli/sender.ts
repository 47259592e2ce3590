/** Sends batches of events to a server, and sends again what a busy or absent server did not take. */
import { setTimeout as delay } from 'node:timers/promises';
import { CliError, FAILURE } from './errors.ts';

export interface Outcome {
  sent: number;
  /** Durable events, those known before too. */
  accepted: number;
  duplicates: number;
  rejected: number;
  /** How often each reason for a refusal came up. */
  reasons: Map<string, number>;
  seconds: number;
}

interface Answer {
  count?: number;
  duplicates?: number;
  rejected?: { error: string }[];
  error?: string;
  hint?: string;
}

const ATTEMPTS = 6;
const FIRST_WAIT_MS = 250;

export class Sender {
  readonly #url: URL;
  readonly #headers: Record<string, string>;
  readonly #started = performance.now();
  readonly outcome: Outcome = { sent: 0, accepted: 0, duplicates: 0, rejected: 0, reasons: new Map(), seconds: 0 };

  constructor({ url, source, token }: { url: string; source?: string; token?: string }) {
    this.#url = new URL('/ingest/events', url);
    if (source !== undefined) this.#url.searchParams.set('sourceId', source);
    this.#headers = { 'content-type': 'application/x-ndjson', prefer: 'return=minimal' };
    if (token !== undefined) this.#headers.authorization = `Bearer ${token}`;
  }

  /** @throws CliError when the server refuses the batch, or cannot be reached */
  async send(events: readonly Buffer[]): Promise<Outcome> {
    const body = Buffer.concat(events.flatMap((event) => [event, LINE_END]));
    const answer = await this.#post(body);
    const { outcome } = this;
    outcome.sent += events.length;
    outcome.accepted += answer.count ?? 0;
    outcome.duplicates += answer.duplicates ?? 0;
    for (const { error } of answer.rejected ?? []) {
      outcome.rejected++;
      outcome.reasons.set(error, (outcome.reasons.get(error) ?? 0) + 1);
    }
    outcome.seconds = (performance.now() - this.#started) / 1000;
    return outcome;
  }

  async #post(body: Buffer): Promise<Answer> {
    let trouble = '';
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await delay(FIRST_WAIT_MS * 2 ** attempt);
      const response = await this.#try(body);
      if (response instanceof Error) {
        trouble = `${this.#url.origin} cannot be reached: ${response.message}`;
        continue;
      }
      const answer = (await response.json()) as Answer;
      // "no-valid-events" is an answer about each event, like any other.
      if (response.ok || answer.error === 'no-valid-events') return answer;
      trouble = `the server answered ${response.status} ${answer.error}: ${answer.hint}`;
      if (response.status !== 429 && response.status !== 503) break;
    }
    throw new CliError(FAILURE, `${trouble}; ${this.outcome.accepted} events are durable so far`);
  }

  async #try(body: Buffer): Promise<Response | Error> {
    try {
      return await fetch(this.#url, { method: 'POST', headers: this.#headers, body: new Uint8Array(body) });
    } catch (error) {
      return error instanceof Error
        ? ((error.cause as Error | undefined) ?? error)
        : new CliError(FAILURE, String(error));
    }
  }
}

const LINE_END = Buffer.from('\n');
