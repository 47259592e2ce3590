/** The main thread's side of the journal: deliveries of one turn of the event loop go over in one message. */
import type { Worker } from 'node:worker_threads';
import type { BatchMark, BatchMarked } from '../batch-mark.ts';
import type { Erasing } from '../erasure.ts';
import type { Position } from '../event.ts';
import type { Delivery } from '../intake/intake.ts';
import type { ErasureWord, Heard, Word } from '../store/journal.ts';
import type { Answer, FromJournal, JournalSetup, ToJournal, WireDelivery } from './protocol.ts';
import { startWorker } from './start-worker.ts';

export type Deliver = (delivery: Delivery) => Promise<Answer>;

export interface JournalEvents {
  grew(head: Position): void;
  troubled(message: string): void;
  died(error: Error): void;
}

/** A body of at least this size goes over alone, without being copied. */
const ALONE_BYTES = 64 * 1024;

export class JournalClient {
  readonly #worker: Worker;
  readonly #events: JournalEvents;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #finding = new Map<number, (positions: Position[] | undefined) => void>();
  readonly #resolving = new Map<number, (heard: Heard[] | undefined) => void>();
  readonly #erasing = new Map<number, (erasing: Erasing | undefined) => void>();
  readonly #marking = new Map<number, (marked: BatchMarked | undefined) => void>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #outbox: { wire: WireDelivery; body: Buffer }[] = [];
  #lastId = 0;

  constructor(setup: JournalSetup, events: JournalEvents) {
    this.#events = events;
    this.#worker = startWorker('journal-worker', setup);
    this.#worker.on('message', (message: FromJournal) => this.#hear(message));
    this.#worker.once('exit', () => this.#ended.resolve());
    this.#worker.on('error', (error: Error) => {
      this.#ready.reject(error);
      this.#events.died(error);
    });
  }

  /** Settles when the journal is open and takes deliveries. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Deliveries that have not been answered yet. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** The answer comes after the commit. */
  readonly deliver: Deliver = ({ body, ...delivery }) => {
    const id = ++this.#lastId;
    const wire = { ...delivery, id, start: 0, end: body.length };
    if (body.length >= ALONE_BYTES) this.#send([{ wire, body }]);
    else {
      if (this.#outbox.length === 0) setImmediate(() => this.#send(this.#outbox.splice(0)));
      this.#outbox.push({ wire, body });
    }
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  };

  /** Positions of all versions of an event, oldest first; undefined when the journal cannot be asked now. */
  find(eventId: string): Promise<Position[] | undefined> {
    const id = ++this.#lastId;
    this.#post({ kind: 'find', id, eventId });
    return new Promise((resolve) => this.#finding.set(id, resolve));
  }

  /** Operators' words; the answer comes after the commit, and is undefined when they may or may not have been written. */
  resolve(words: readonly Word[]): Promise<Heard[] | undefined> {
    const id = ++this.#lastId;
    this.#post({ kind: 'resolve', id, words });
    return new Promise((resolve) => this.#resolving.set(id, resolve));
  }

  /** Has all versions of an event erased; the answer comes after the commit, undefined as with `resolve`. */
  erase(eventId: string, word: ErasureWord): Promise<Erasing | undefined> {
    const id = ++this.#lastId;
    this.#post({ kind: 'erase', id, eventId, word });
    return new Promise((resolve) => this.#erasing.set(id, resolve));
  }

  /** Has a batch begin or end; the answer comes after the commit, undefined as with `resolve`. */
  markBatch(mark: BatchMark): Promise<BatchMarked | undefined> {
    const id = ++this.#lastId;
    this.#post({ kind: 'batch', id, mark });
    return new Promise((resolve) => this.#marking.set(id, resolve));
  }

  /** The ledger may have come further. */
  progressed(): void {
    this.#post({ kind: 'progressed' });
  }

  /** Everything that was handed over is answered before the thread ends. */
  async close(): Promise<void> {
    this.#post({ kind: 'close' });
    await this.#ended.promise;
  }

  #send(deliveries: { wire: WireDelivery; body: Buffer }[]): void {
    const bytes = joined(deliveries.map(({ body }) => body));
    let start = 0;
    for (const { wire } of deliveries) {
      const length = wire.end;
      wire.start = start;
      wire.end = start + length;
      start = wire.end;
    }
    const message: ToJournal = { kind: 'deliver', deliveries: deliveries.map(({ wire }) => wire), bytes };
    this.#worker.postMessage(message, [bytes.buffer as ArrayBuffer]);
  }

  #post(message: ToJournal): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromJournal): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve();
        return;
      case 'answers':
        for (const { id, answer } of message.answers) take(this.#waiting, id)?.(answer);
        return;
      case 'found':
        take(this.#finding, message.id)?.(message.positions);
        return;
      case 'heard':
        take(this.#resolving, message.id)?.(message.heard);
        return;
      case 'erasing':
        take(this.#erasing, message.id)?.(message.erasing);
        return;
      case 'batch-marked':
        take(this.#marking, message.id)?.(message.marked);
        return;
      case 'head':
        this.#events.grew(message.head);
        return;
      case 'trouble':
        this.#events.troubled(message.message);
        return;
    }
  }
}

/** One buffer that is nobody else's, so that it can be transferred. */
function joined(bodies: readonly Buffer[]): Uint8Array {
  const [only] = bodies;
  const ownsItsMemory = only !== undefined && only.byteOffset === 0 && only.byteLength === only.buffer.byteLength;
  if (bodies.length === 1 && ownsItsMemory) return only;
  const bytes = new Uint8Array(bodies.reduce((length, body) => length + body.length, 0));
  let at = 0;
  for (const body of bodies) {
    bytes.set(body, at);
    at += body.length;
  }
  return bytes;
}

function take<T>(waiting: Map<number, T>, id: number): T | undefined {
  const found = waiting.get(id);
  waiting.delete(id);
  return found;
}
