/** What a tracker keeps: the events it knows, what is still to be delivered of them, and its place in the journal. */

/** An event, for the handlers that want it. */
export interface Arrival {
  /** `event:batch_tag`. */
  key: string;
  batchTag: string;
  channel: string;
  /** As it came. */
  message: string;
  /** Names of handlers. */
  handlers: readonly string[];
}

/** One event for one handler. */
export interface Delivery extends Omit<Arrival, 'handlers'> {
  /** Never used again for another. */
  id: number;
  handler: string;
  /** That failed. */
  attempts: number;
}

export interface ParkedDelivery extends Delivery {
  /** What the handler threw last. */
  error: string;
}

/**
 * Each method is one commit, and is on disk when it returns where the store has one: whenever the process ends, an event
 * is either unknown or known together with all of its deliveries, and a delivery is there until it is done.
 *
 * @typeParam Db what handlers write to in a transaction of the store
 */
export interface TrackerStore<Db = unknown> {
  /** Behind which the journal is still to be read; 0 at first. */
  cursor(): number;
  /**
   * Takes events in, of which those that are known already change nothing, and moves the cursor.
   * @returns the deliveries that are new, in order
   */
  arrive(arrivals: readonly Arrival[], cursor?: number): Delivery[];
  /** Still to be made, in the order in which their events arrived. */
  pending(): Delivery[];
  /** Given up, until somebody says otherwise; in the same order. */
  parked(): ParkedDelivery[];
  done(id: number): void;
  /** @param parked whether it is given up */
  failed(id: number, error: string, parked: boolean): void;
  /** Makes parked deliveries pending again, as if they had never failed. @returns them, in order */
  unpark(ids: readonly number[]): Delivery[];
  /** Messages of a batch, in order of arrival. */
  messages(batchTag: string): string[];
  /** Of the batches that are known, those first of which something came last. */
  batchTags(limit: number): string[];
  /**
   * Forgets batches of which nothing is to be delivered, beyond the `keep` of which something came last. One of their
   * events that comes again is new.
   */
  prune(keep: number): void;
  /**
   * Done with what `work` writes, in one commit; what it throws undoes both.
   * @throws TrackerError `invalid-argument` where the delivery is done already, or the work goes on after it returned
   */
  transaction?(id: number, work: (db: Db) => void): void;
}
