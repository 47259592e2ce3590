/** The main thread's side of outgoing webhooks. Their thread runs from the first order on, or where there are any. */
import type { Worker } from 'node:worker_threads';
import { SubscriptionError } from '../subscriptions/errors.ts';
import type { SubscriptionService } from '../subscriptions/service.ts';
import { startWorker } from './start-worker.ts';
import type { FromSubscriptions, Method, SubscriptionsSetup, ToSubscriptions } from './subscriptions-protocol.ts';
import type { Alarm } from './threads.ts';

type Call<M extends Method> = SubscriptionService[M];

export class SubscriptionsClient implements SubscriptionService {
  readonly #setup: SubscriptionsSetup;
  readonly #alarm: Alarm;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #worker: Worker | undefined;
  #ready = Promise.withResolvers<void>();
  #ended = Promise.withResolvers<void>();
  #calls = 0;

  readonly create = this.#method('create');
  readonly list = this.#method('list');
  readonly show = this.#method('show');
  readonly change = this.#method('change');
  readonly remove = this.#method('remove');
  readonly rotate = this.#method('rotate');
  readonly deliveries = this.#method('deliveries');
  readonly replay = this.#method('replay');
  readonly discard = this.#method('discard');
  readonly test = this.#method('test');

  constructor(setup: SubscriptionsSetup, alarm: Alarm) {
    this.#setup = setup;
    this.#alarm = alarm;
  }

  /** Settles when the deliveries have begun. */
  start(): Promise<void> {
    if (this.#worker === undefined) {
      this.#worker = startWorker('subscriptions-worker', this.#setup);
      this.#worker.on('message', (message: FromSubscriptions) => this.#hear(message));
      this.#worker.once('exit', () => this.#ended.resolve());
      this.#worker.on('error', (error: Error) => {
        this.#ready.reject(error);
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#alarm.died(error);
      });
    }
    return this.#ready.promise;
  }

  /** The ledger has grown. */
  wake(): void {
    this.#worker?.postMessage({ kind: 'wake' } satisfies ToSubscriptions);
  }

  /** Something has been erased. */
  forget(): void {
    this.#worker?.postMessage({ kind: 'forget' } satisfies ToSubscriptions);
  }

  async close(): Promise<void> {
    if (this.#worker === undefined) return;
    this.#worker.postMessage({ kind: 'close' } satisfies ToSubscriptions);
    await this.#ended.promise;
  }

  #method<M extends Method>(method: M): Call<M> {
    const call = async (...args: unknown[]) => {
      await this.start();
      const id = ++this.#calls;
      const waiting = Promise.withResolvers<unknown>();
      this.#waiting.set(id, waiting);
      this.#worker?.postMessage({ kind: 'call', id, method, args } satisfies ToSubscriptions);
      return waiting.promise;
    };
    return call as unknown as Call<M>;
  }

  #hear(message: FromSubscriptions): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve();
        return;
      case 'trouble':
        this.#alarm.troubled(message.message);
        return;
      case 'answer':
        this.#taken(message.id)?.resolve(message.value);
        return;
      case 'refusal':
        this.#taken(message.id)?.reject(new SubscriptionError(message.code, message.message));
    }
  }

  #taken(id: number): PromiseWithResolvers<unknown> | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
