/** One attempt: a POST to an address that may be called, within its time, of whose answer little is read. */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { OutboundError, type OutboundGuard } from '../outbound/guarded-lookup.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { retryAfterMs } from './retry.ts';

export interface SenderSettings {
  timeoutMs: number;
  longestRetryAfterMs: number;
}

export interface Shipment {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface SenderOptions {
  settings: SenderSettings;
  guard: OutboundGuard;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** Read of an answer, so that its connection can be used again; one with more loses it. */
const MAX_ANSWER_BYTES = 16 * 1024;
/** Such as early hints, before the answer: whoever sends no end of them costs all the others time. */
const MAX_INTERIM_ANSWERS = 32;
/** Idle connections are let go before most receivers close them. */
const IDLE_MS = 4000;

export class Sender {
  readonly #options: SenderOptions;
  readonly #plain: HttpAgent;
  readonly #secure: HttpsAgent;
  readonly #underWay = new Set<ClientRequest>();
  #closed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    const { guard } = options;
    const agent = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 64 };
    this.#plain = new HttpAgent({ ...agent, lookup: guard.lookup(false) });
    this.#secure = new HttpsAgent({ ...agent, lookup: guard.lookup(true) });
  }

  /** Never rejects: whatever happens is an outcome. */
  async send(shipment: Shipment): Promise<Outcome> {
    try {
      this.#options.guard.checkLiteral(shipment.url);
      return await this.#post(shipment, true);
    } catch (error) {
      return { kind: 'unavailable', reason: reasonOf(error) };
    }
  }

  /** Ends what is under way; each gets its outcome. */
  close(): void {
    this.#closed = true;
    for (const request of this.#underWay) request.destroy();
    this.#options.guard.close();
    this.#plain.destroy();
    this.#secure.destroy();
  }

  /** @param mayRepeat on a connection that the receiver has just closed, which it could not know was still in use */
  async #post(shipment: Shipment, mayRepeat: boolean): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const { url, body, headers } = shipment;
    const { timeoutMs } = this.#options.settings;
    const secure = url.protocol === 'https:';
    const outgoing = (secure ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent: secure ? this.#secure : this.#plain,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    // Of the whole attempt: a socket's own timeout begins anew with every byte.
    const deadline = setTimeout(() => {
      resolve({ kind: 'unavailable', reason: `no answer in ${timeoutMs} ms` });
      outgoing.destroy();
    }, timeoutMs);
    outgoing.on('error', reject);
    let interim = 0;
    outgoing.on('information', () => {
      if (++interim <= MAX_INTERIM_ANSWERS) return;
      resolve({ kind: 'unavailable', reason: `more than ${MAX_INTERIM_ANSWERS} interim answers` });
      outgoing.destroy();
    });
    let answered = false;
    outgoing.on('response', (answer) => {
      answered = true;
      this.#readAnswer(answer, outgoing).then(resolve, reject);
    });
    this.#underWay.add(outgoing);
    outgoing.end(body);
    try {
      return await promise;
    } catch (error) {
      const closed = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (mayRepeat && closed && outgoing.reusedSocket && !answered && !this.#closed)
        return await this.#post(shipment, false);
      throw error;
    } finally {
      clearTimeout(deadline);
      this.#underWay.delete(outgoing);
    }
  }

  /** What breaks off half-way is no answer; of one that is too long, the status counts. */
  async #readAnswer(answer: IncomingMessage, outgoing: ClientRequest): Promise<Outcome> {
    const { settings, now } = this.#options;
    const afterMs = retryAfterMs(answer.headers['retry-after'], now(), settings.longestRetryAfterMs);
    const outcome = outcomeOf(answer.statusCode ?? 0, afterMs);
    let length = 0;
    for await (const piece of answer as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length <= MAX_ANSWER_BYTES) continue;
      outgoing.destroy();
      break;
    }
    return outcome;
  }
}

/** In words that say nothing of what was sent or answered. */
function reasonOf(error: unknown): string {
  if (error instanceof OutboundError) return `${error.code}: ${error.message}`;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : `${code}: ${message}`;
}
