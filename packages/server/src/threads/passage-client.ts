/** The main thread's side of the pipeline's thread. */
import type { Worker } from 'node:worker_threads';
import type { FromPassage, PassageSetup, Progress, ToPassage } from './protocol.ts';
import { startWorker } from './start-worker.ts';

export interface PassageEvents {
  progressed(progress: Progress): void;
  troubled(message: string): void;
  died(error: Error): void;
}

export class PassageClient {
  readonly #worker: Worker;
  readonly #events: PassageEvents;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();

  constructor(setup: PassageSetup, events: PassageEvents) {
    this.#events = events;
    this.#worker = startWorker('passage-worker', setup);
    this.#worker.on('message', (message: FromPassage) => this.#hear(message));
    this.#worker.once('exit', () => this.#ended.resolve());
    this.#worker.on('error', (error: Error) => {
      this.#ready.reject(error);
      this.#events.died(error);
    });
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The journal has grown. */
  wake(): void {
    this.#post({ kind: 'wake' });
  }

  /** Evidence that a version of ours is anchored; looked at, and taken if the headers bear it out. */
  anchored(versionId: string, envelope: unknown): void {
    this.#post({ kind: 'anchored', versionId, envelope });
  }

  /** What ARC reports. */
  callback(body: unknown, token: string | undefined): void {
    this.#post({ kind: 'callback', body, token });
  }

  /** A call of the certifier that was given up is made again. */
  retryCertifier(versionId: string): void {
    this.#post({ kind: 'retry', versionId });
  }

  async close(): Promise<void> {
    this.#post({ kind: 'close' });
    await this.#ended.promise;
  }

  #post(message: ToPassage): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromPassage): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve();
        return;
      case 'progress':
        this.#events.progressed(message.progress);
        return;
      case 'trouble':
        this.#events.troubled(message.message);
        return;
    }
  }
}
