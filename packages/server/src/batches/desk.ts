/** Batches as orchestrators, administrators and readers deal with them. */
import type { BatchMark, BatchMarked } from '../batch-mark.ts';
import type { BatchFacts, BatchState, BatchStore } from '../store/batches.ts';
import type { BatchCertificate, Certificates } from './certificate.ts';
import { BatchError } from './errors.ts';
import { type Ending, ended, type Opening, opened } from './facts.ts';
import type { Waiting } from './waiting.ts';

/** Undefined when the mark may or may not have been written. */
export type MarkBatch = (mark: BatchMark) => Promise<BatchMarked | undefined>;

export interface Batch extends BatchCertificate {
  facts: BatchFacts;
}

export type Awaited = 'certified' | 'unlocked' | 'embedded';

export interface BatchDeskOptions {
  store: BatchStore;
  certificates: Certificates;
  mark: MarkBatch;
  waiting: Waiting;
  /** Streams whose order is not that of arrival have no batches. */
  takesBatches: (stream: string) => boolean;
  /** Called when a batch was locked or unlocked: what is under way may have to stop, what waited may go on. */
  turned: (tag: string, gate: 'locked' | 'unlocked') => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class BatchDesk {
  readonly #options: BatchDeskOptions;

  constructor(options: BatchDeskOptions) {
    this.#options = options;
  }

  /** Has the batch begin, if it has not. @throws BatchError */
  async open(tag: string, opening: Opening): Promise<Batch> {
    const { store, now, takesBatches } = this.#options;
    if (!takesBatches(opening.stream)) {
      throw new BatchError(
        'stream-not-for-batches',
        `the stream "${opening.stream}" is not cut in order of arrival; let the source feed one that is`,
      );
    }
    const { owner } = opening;
    if (!this.#isOwner(tag, owner)) throw taken(tag);
    await this.#mark({ batch: tag, stream: opening.stream, action: 'open' });
    // Another may have begun it while the mark was being written.
    if (!this.#isOwner(tag, owner)) throw taken(tag);
    this.#change(tag, () => opened(store.one(tag), tag, opening, now()));
    return this.one(tag);
  }

  /** Has the batch end, if it has not. @throws BatchError */
  async end(tag: string, stream: string, ending: Ending): Promise<Batch> {
    const { store, now } = this.#options;
    const known = store.one(tag);
    if (known?.stream === undefined) throw notFound(tag);
    await this.#mark({ batch: tag, stream, action: 'end' });
    if (known.endedAt === undefined) this.#change(tag, () => ended(store.one(tag) ?? known, ending, now()));
    return this.one(tag);
  }

  /** Undefined for a batch that is not known, or is ingested elsewhere. */
  sourceOf(tag: string): string | undefined {
    return this.#options.store.one(tag)?.source;
  }

  /** @throws BatchError `batch-not-found` */
  one(tag: string): Batch {
    const facts = this.#options.store.one(tag);
    if (facts === undefined) throw notFound(tag);
    return this.#batch(facts);
  }

  page(
    state: BatchState | undefined,
    before: number | undefined,
    limit: number,
  ): { batches: Batch[]; next: number | undefined } {
    const { batches, next } = this.#options.store.page(state, before, limit);
    return { batches: batches.map((facts) => this.#batch(facts)), next };
  }

  /** Settles when it has come to that, or the time is up. @throws BatchError */
  until(tag: string, awaited: Awaited, ms: number, gone?: AbortSignal): Promise<Batch> {
    return this.#options.waiting.until(() => this.one(tag), COME_ABOUT[awaited], ms, gone);
  }

  /** @throws BatchError `batch-not-found` */
  lock(tag: string, by: string, reason: string): Batch {
    return this.#turn(tag, 'locked', by, reason);
  }

  /** What waits for it goes on. @throws BatchError `batch-not-found` */
  unlock(tag: string, by: string, reason: string): Batch {
    return this.#turn(tag, 'unlocked', by, reason);
  }

  #isOwner(tag: string, owner: string | undefined): boolean {
    const known = this.#options.store.one(tag);
    return known?.stream === undefined || known.owner === owner;
  }

  #turn(tag: string, gate: 'locked' | 'unlocked', by: string, reason: string): Batch {
    const { store, now } = this.#options;
    this.#change(tag, () => {
      const known = store.one(tag);
      if (known === undefined) throw notFound(tag);
      const happenings = known.gate === gate ? [] : [{ at: now(), what: gate, detail: { by, reason } }];
      return { facts: { ...known, gate }, happenings };
    });
    this.#options.turned(tag, gate);
    return this.one(tag);
  }

  #change(tag: string, change: () => ReturnType<typeof opened>): void {
    const { store, waiting } = this.#options;
    store.together(() => {
      const { facts, happenings } = change();
      store.put(facts);
      for (const happening of happenings) store.note(tag, happening);
    });
    waiting.changed();
  }

  async #mark(mark: BatchMark): Promise<void> {
    const marked = await this.#options.mark(mark);
    switch (marked?.kind) {
      case 'marked':
        return;
      case 'other-open': {
        const { batch } = marked;
        throw new BatchError('batch-open', `the batch "${batch}" is open on this stream; end it first`, { batch });
      }
      case 'ended':
        throw new BatchError('batch-ended', `the batch "${mark.batch}" has ended; a new one takes a new tag`);
      case 'elsewhere':
        throw new BatchError('batch-elsewhere', `the batch "${mark.batch}" is one of the stream "${marked.stream}"`);
      case 'not-found':
        throw notFound(mark.batch);
      case undefined:
        throw new BatchError('unavailable', 'this may not have been stored; say it again');
    }
  }

  #batch(facts: BatchFacts): Batch {
    return { facts, ...this.#options.certificates.of(facts.tag) };
  }
}

/** A batch that failed will not be embedded: nobody has to wait for that. */
const COME_ABOUT: Record<Awaited, (batch: Batch) => boolean> = {
  certified: ({ certified }) => certified,
  unlocked: ({ facts }) => facts.gate !== 'locked',
  embedded: ({ facts }) => facts.state === 'embedded' || facts.state === 'failed' || facts.embedding === 'failed',
};

function taken(tag: string): BatchError {
  return new BatchError(
    'batch-taken',
    `somebody else has begun the batch "${tag}"; begin another under a tag of its own`,
  );
}

function notFound(tag: string): BatchError {
  return new BatchError('batch-not-found', `nothing is known of a batch "${tag}"`);
}
