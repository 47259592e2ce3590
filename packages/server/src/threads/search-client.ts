/** The main thread's side of the search index. Its thread runs from when there is something to index. */
import type { Worker } from 'node:worker_threads';
import { SearchError } from '../search/errors.ts';
import type {
  EmbedOrder,
  EmbedOutcome,
  EmbedProgress,
  Hit,
  SearchQuery,
  SearchService,
  SearchStanding,
} from '../search/service.ts';
import { hasSearchIndex } from '../store/sqlite/search.ts';
import type { FromSearch, SearchCall, SearchSetup, ToSearch } from './search-protocol.ts';
import { startWorker } from './start-worker.ts';
import type { Alarm } from './threads.ts';

export interface EmbedOptions extends EmbedOrder {
  signal?: AbortSignal;
  /** Told at the beginning and after each commit. */
  progress?: (progress: EmbedProgress) => void;
}

interface Waiting extends PromiseWithResolvers<unknown> {
  progress: (progress: EmbedProgress) => void;
}

export class SearchClient implements SearchService {
  readonly #setup: SearchSetup;
  readonly #alarm: Alarm;
  readonly #hasWork: () => boolean;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #worker: Worker | undefined;
  #calls = 0;

  /** @param hasWork whether a stream that is searched has anything */
  constructor(setup: SearchSetup, alarm: Alarm, hasWork: () => boolean) {
    this.#setup = setup;
    this.#alarm = alarm;
    this.#hasWork = hasWork;
  }

  /** Settles when the index can be asked, though it may be behind; at once where there is nothing to index. */
  async start(): Promise<void> {
    // What was indexed once, and is not searched any more, has to go.
    if (this.#worker === undefined && (this.#hasWork() || hasSearchIndex(this.#setup.dataDir))) this.#begin();
    if (this.#worker !== undefined) await this.#ready.promise;
  }

  search(query: SearchQuery, signal?: AbortSignal): Promise<Hit[]> {
    return this.#call({ method: 'search', query }, { signal }) as Promise<Hit[]>;
  }

  /**
   * Waits until the index has all leaves of the batch, and then has a vector for each record that has text. What was done
   * stays done, however it ends.
   * @throws SearchError `not-searched`, `embedding-failed`, `cancelled`, `unavailable`
   */
  embedBatch({ batchTag, ranges, signal, progress }: EmbedOptions): Promise<EmbedOutcome> {
    const call: SearchCall = { method: 'embedBatch', order: { batchTag, ranges } };
    return this.#call(call, { signal, progress }) as Promise<EmbedOutcome>;
  }

  standing(): Promise<SearchStanding> {
    return this.#call({ method: 'standing' }, {}) as Promise<SearchStanding>;
  }

  /** The ledger has grown. */
  wake(): void {
    if (this.#worker === undefined && this.#hasWork()) this.#begin();
    this.#say({ kind: 'wake' });
  }

  /** Something has been erased. Searches that are asked for from now on do not find it. */
  forget(): void {
    this.#say({ kind: 'forget' });
  }

  async close(): Promise<void> {
    if (this.#worker === undefined) return;
    this.#say({ kind: 'close' });
    await this.#ended.promise;
  }

  #begin(): void {
    this.#worker = startWorker('search-worker', this.#setup);
    this.#worker.on('message', (message: FromSearch) => this.#hear(message));
    this.#worker.once('exit', () => {
      const error = new SearchError('unavailable', 'the thread of the search index has ended');
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
      this.#ended.resolve();
    });
    this.#worker.on('error', (error: Error) => {
      this.#ready.reject(error);
      this.#alarm.died(error);
    });
  }

  async #call(
    call: SearchCall,
    { signal, progress = () => {} }: { signal?: AbortSignal | undefined; progress?: Waiting['progress'] | undefined },
  ): Promise<unknown> {
    if (signal?.aborted) throw new SearchError('cancelled', 'no longer wanted', { cause: signal.reason });
    await this.start();
    if (this.#worker === undefined) {
      if (this.#setup.settings.searched.size === 0) throw new SearchError('not-searched', 'no stream is searched');
      this.#begin();
      await this.#ready.promise;
    }
    const id = ++this.#calls;
    const waiting = { ...Promise.withResolvers<unknown>(), progress };
    this.#waiting.set(id, waiting);
    const cancel = () => this.#say({ kind: 'cancel', id });
    signal?.addEventListener('abort', cancel);
    this.#say({ kind: 'call', id, call });
    try {
      return await waiting.promise;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  #say(message: ToSearch): void {
    this.#worker?.postMessage(message);
  }

  #hear(message: FromSearch): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve();
        return;
      case 'trouble':
        this.#alarm.troubled(message.message);
        return;
      case 'progress':
        this.#waiting.get(message.id)?.progress(message.progress);
        return;
      case 'answer':
        this.#taken(message.id)?.resolve(message.value);
        return;
      case 'refusal':
        this.#taken(message.id)?.reject(new SearchError(message.code, message.message));
    }
  }

  #taken(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
