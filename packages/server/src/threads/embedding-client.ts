/** The packaged model, on a thread that runs from the first text on until there have been none for a while. */
import type { Worker } from 'node:worker_threads';
import { type Embedder, EmbeddingError } from '../embedding/embedder.ts';
import { ENGLISH_DIMENSIONS, ENGLISH_ID } from '../embedding/english.ts';
import type { FromEmbedding, ToEmbedding } from './embedding-protocol.ts';
import { startWorker } from './start-worker.ts';

const IDLE_MS = 5 * 60_000;

interface Job {
  texts: readonly string[];
  vectors: Float32Array[];
  settle: PromiseWithResolvers<Float32Array[]>;
}

export class EmbeddingClient implements Embedder {
  readonly id = ENGLISH_ID;
  readonly dimensions = ENGLISH_DIMENSIONS;
  readonly #idleMs: number;
  /** One text of each in turn, so that whoever searches waits for one text of a batch, and not for all of it. */
  readonly #jobs: Job[] = [];
  #worker: Worker | undefined;
  /** Whose text the thread is at. */
  #busy: { id: number; job: Job } | undefined;
  #sent = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(idleMs = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /** Whether the model is in memory. */
  get running(): boolean {
    return this.#worker !== undefined;
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    if (texts.length === 0) return [];
    if (signal.aborted) throw cancelled(signal.reason);
    const job: Job = { texts, vectors: [], settle: Promise.withResolvers() };
    const cancel = () => {
      const place = this.#jobs.indexOf(job);
      if (place !== -1) this.#jobs.splice(place, 1);
      job.settle.reject(cancelled(signal.reason));
    };
    signal.addEventListener('abort', cancel);
    this.#jobs.push(job);
    this.#next();
    try {
      return await job.settle.promise;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#fail(new EmbeddingError('cancelled', 'the server closes'));
    await worker?.terminate();
  }

  #next(): void {
    if (this.#busy !== undefined) return;
    clearTimeout(this.#idle);
    const job = this.#jobs.shift();
    if (job === undefined) {
      this.#idle = setTimeout(() => void this.close(), this.#idleMs).unref();
      return;
    }
    const id = ++this.#sent;
    this.#busy = { id, job };
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, text: job.texts[job.vectors.length]! } satisfies ToEmbedding);
  }

  #start(): Worker {
    const worker = startWorker('embedding-worker', undefined);
    worker.on('message', (message: FromEmbedding) => this.#hear(message));
    worker.on('error', (cause) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#fail(new EmbeddingError('model-failed', 'the thread of the packaged model has ended', { cause }));
    });
    return worker;
  }

  #hear(message: FromEmbedding): void {
    if (this.#busy?.id !== message.id) return;
    const { job } = this.#busy;
    this.#busy = undefined;
    if (message.kind === 'failed') job.settle.reject(new EmbeddingError('model-failed', message.message));
    else {
      job.vectors.push(message.vector);
      if (job.vectors.length === job.texts.length) job.settle.resolve(job.vectors);
      else this.#jobs.push(job);
    }
    this.#next();
  }

  #fail(error: EmbeddingError): void {
    this.#busy?.job.settle.reject(error);
    this.#busy = undefined;
    for (const { settle } of this.#jobs.splice(0)) settle.reject(error);
  }
}

function cancelled(cause: unknown): EmbeddingError {
  return new EmbeddingError('cancelled', 'no longer wanted', { cause });
}
