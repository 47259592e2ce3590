/** Has the batches embedded that are to be, one after the other: once they are certified, and not locked. */
import type { BatchFacts, BatchStore } from '../store/batches.ts';
import type { BatchCertificate, Certificates } from './certificate.ts';

export interface Embedded {
  /** Texts that have got a vector, and those that came with one. */
  embedded: number;
  given: number;
  /** Given vectors that cannot be used. */
  refused: number;
  /** Texts of which the model made none. */
  failed: number;
}

/** Has the texts of these leaves embedded, going on where it was; rejects when that cannot be done now. */
export type EmbedLeaves = (
  batch: { tag: string; stream: string; start: number; end: number },
  signal: AbortSignal,
  /** Told of how many have a vector by now. */
  progress: (embedded: number) => void,
) => Promise<Embedded>;

export interface EmbeddingQueueOptions {
  store: BatchStore;
  certificates: Certificates;
  embed: EmbedLeaves;
  /** Tells that a batch is embedded, or cannot be. */
  done: (facts: BatchFacts, status: 'success' | 'failed', embedded: number) => void;
  /** After so many failures in a row, a batch is given up. */
  attempts: number;
  troubled: (message: string) => void;
  /** Has `work` called once, so many milliseconds later. */
  later: (work: () => void, ms: number) => { cancel(): void };
  /** Milliseconds since 1970. */
  now: () => number;
}

const RETRY_MS = 1000;
const MAX_RETRY_MS = 300_000;
const PROGRESS_MS = 1000;

export class EmbeddingQueue {
  readonly #options: EmbeddingQueueOptions;
  /** By batch. */
  readonly #failures = new Map<string, number>();
  /** By batch: those that wait for another try. */
  readonly #retries = new Map<string, { cancel(): void }>();
  #working: { tag: string; stop: AbortController; done: Promise<void> } | undefined;
  #closed = false;

  constructor(options: EmbeddingQueueOptions) {
    this.#options = options;
  }

  /** To be called when there may be something to embed, more is certified, or a batch was locked. */
  wake(): void {
    if (this.#closed) return;
    const { store, certificates } = this.#options;
    if (this.#working !== undefined) {
      // What leaves this process after a lock is what the lock is against.
      if (store.one(this.#working.tag)?.gate === 'locked') this.#working.stop.abort();
      return;
    }
    for (const facts of store.toEmbed()) {
      const certificate = this.#retries.has(facts.tag) ? undefined : certificates.of(facts.tag);
      if (certificate?.certified !== true) continue;
      const stop = new AbortController();
      const done = this.#take(facts, certificate, stop.signal).finally(() => {
        this.#working = undefined;
        this.wake();
      });
      this.#working = { tag: facts.tag, stop, done };
      return;
    }
  }

  /** What is under way stops, and is gone on with at the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const retry of this.#retries.values()) retry.cancel();
    this.#working?.stop.abort();
    await this.#working?.done;
  }

  async #take(facts: BatchFacts, { leaves }: BatchCertificate, signal: AbortSignal): Promise<void> {
    const { embed } = this.#options;
    const { tag, stream = '' } = facts;
    try {
      const nothing: Embedded = { embedded: 0, given: 0, refused: 0, failed: 0 };
      const result =
        leaves === undefined ? nothing : await embed({ tag, stream, ...leaves }, signal, this.#progressOf(tag));
      this.#failures.delete(tag);
      const none = result.failed > 0 && result.embedded + result.given === 0;
      this.#settle(facts, none ? 'failed' : 'done', none ? { reason: 'the model gave no vector', ...result } : result);
    } catch (error) {
      if (!signal.aborted) this.#failed(facts, error);
    }
  }

  /** Kept now and then, for whoever looks. */
  #progressOf(tag: string): (embedded: number) => void {
    const { store, now } = this.#options;
    let keptAt = now();
    return (embedded) => {
      if (now() - keptAt < PROGRESS_MS) return;
      keptAt = now();
      const facts = store.one(tag);
      if (facts !== undefined) store.put({ ...facts, embedded });
    };
  }

  #failed(facts: BatchFacts, error: unknown): void {
    const { troubled, later, attempts } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    const failures = (this.#failures.get(facts.tag) ?? 0) + 1;
    troubled(`the batch "${facts.tag}" cannot be embedded (${failures} of ${attempts}): ${reason}`);
    if (failures >= attempts) {
      this.#failures.delete(facts.tag);
      this.#settle(facts, 'failed', { reason });
      return;
    }
    this.#failures.set(facts.tag, failures);
    const again = () => {
      this.#retries.delete(facts.tag);
      this.wake();
    };
    this.#retries.set(facts.tag, later(again, Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (failures - 1))));
  }

  #settle({ tag }: BatchFacts, embedding: 'done' | 'failed', detail: Embedded | { reason: string }): void {
    const { store, now, done } = this.#options;
    const embedded = 'embedded' in detail ? detail.embedded + detail.given : 0;
    store.together(() => {
      const facts = store.one(tag);
      if (facts === undefined) return;
      store.put({ ...facts, embedding, embedded });
      store.note(tag, {
        at: now(),
        what: embedding === 'done' ? 'embedded' : 'embedding failed',
        detail: { ...detail },
      });
      done(facts, embedding === 'done' ? 'success' : 'failed', embedded);
    });
  }
}
