/** Senders that keep a server busy, and remember what it has promised. */
import type { Deliveries, Delivery, SentEvent } from './deliveries.ts';
import type { Random } from './random.ts';

interface Answer {
  inserted: string[];
  duplicates: number;
  rejected: unknown[];
}

/** Deliveries that were acknowledged are kept up to here, to be sent again. */
const MAX_REPEATABLE = 500;
const ANSWER_LIMIT_MS = 30_000;

export class Load {
  readonly #deliveries: Deliveries;
  readonly #random: Random;
  /** Sent without an answer: they may be in the journal, or not. */
  readonly #unresolved: Delivery[] = [];
  readonly #repeatable: Delivery[] = [];
  /** By key: every version that was sent at all, and whether it has been acknowledged. */
  readonly sent = new Map<string, boolean>();
  readonly #fusedVersions = new Map<string, Set<string>>();
  /** Answers that no server should give. */
  readonly failures: string[] = [];
  acknowledged = 0;
  #running: Promise<void>[] = [];
  #stopping = false;

  constructor(deliveries: Deliveries, random: Random) {
    this.#deliveries = deliveries;
    this.#random = random;
  }

  /** Acknowledged events that go into fused records: keys of their versions, by event id. */
  get fused(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#fusedVersions;
  }

  get unresolved(): number {
    return this.#unresolved.length;
  }

  start(url: string, connections: number): void {
    this.#stopping = false;
    this.#running = Array.from({ length: connections }, () => this.#keepSending(url));
  }

  /** Settles when no request is under way any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  /** Sends again what was not acknowledged, and some of what was. */
  async settle(url: string): Promise<void> {
    while (this.#unresolved.length > 0 && this.failures.length === 0)
      await this.#send(url, this.#unresolved.pop()!, false);
    for (const delivery of this.#repeatable.slice(-20)) await this.#send(url, delivery, true);
  }

  async #keepSending(url: string): Promise<void> {
    while (!this.#stopping) {
      const again = this.#random.chance(0.1) ? this.#random.pick(this.#repeatable) : undefined;
      const unresolved = again === undefined ? this.#unresolved.shift() : undefined;
      const delivery = again ?? unresolved ?? this.#deliveries.next();
      // The server is gone: the others will notice too.
      if (!(await this.#send(url, delivery, again !== undefined))) return;
    }
  }

  /** @param known every event in it has been acknowledged before */
  async #send(url: string, delivery: Delivery, known: boolean): Promise<boolean> {
    for (const { key, fused } of delivery.events) if (!fused && !this.sent.has(key)) this.sent.set(key, false);
    let answer: Answer;
    try {
      answer = await post(url, delivery);
    } catch (error) {
      if (error instanceof RangeError) this.failures.push(error.message);
      if (!known) this.#unresolved.push(delivery);
      return false;
    }
    this.#check(delivery, answer, known);
    for (const event of delivery.events) this.#acknowledge(event);
    if (!known && this.#repeatable.push(delivery) > MAX_REPEATABLE) this.#repeatable.shift();
    return true;
  }

  #acknowledge({ key, eventId, fused }: SentEvent): void {
    const versions = this.#fusedVersions.get(eventId) ?? new Set();
    if (!fused) {
      if (this.sent.get(key) === false) this.acknowledged++;
      this.sent.set(key, true);
    } else if (!versions.has(key)) {
      this.acknowledged++;
      this.#fusedVersions.set(eventId, versions.add(key));
    }
  }

  #check({ sourceId, events }: Delivery, { inserted, duplicates, rejected }: Answer, known: boolean): void {
    if (rejected.length > 0) this.failures.push(`${rejected.length} events of ${sourceId} were rejected`);
    if (inserted.join() !== events.map(({ eventId }) => eventId).join()) {
      this.failures.push(`other ids were acknowledged than those of the delivery of ${sourceId}`);
    }
    if (known && duplicates !== events.length) {
      const fresh = events.length - duplicates;
      this.failures.push(`${fresh} acknowledged events of ${sourceId} were taken for new when sent again`);
    }
  }
}

/** @throws RangeError for an answer that is not 200; whatever fetch throws when the connection breaks */
async function post(url: string, { sourceId, events }: Delivery): Promise<Answer> {
  const [only, ...others] = events;
  const single = others.length === 0;
  const response = await fetch(`${url}/ingest/events?sourceId=${sourceId}`, {
    method: 'POST',
    headers: { 'content-type': single ? 'application/json' : 'application/x-ndjson' },
    body: single ? `{"events":[${only?.text}]}` : events.map(({ text }) => text).join('\n'),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const body = await response.text();
  if (response.status !== 200) throw new RangeError(`answered ${response.status}: ${body.slice(0, 200)}`);
  return JSON.parse(body) as Answer;
}
