/** From the ledger into the queue: what is read is enqueued in the commit that moves the cursor. */
import { Filter } from '../filter/filter.ts';
import type { Message } from '../live/messages.ts';
import { Selection } from '../live/selection.ts';
import type { DeliveryRow, SubscribedType, SubscriptionSettings, SubscriptionStore } from '../store/subscriptions.ts';
import type { Feed } from './feed.ts';
import type { Outbox } from './outbox.ts';
import type { Queue } from './queue.ts';
import type { Standing } from './standing.ts';

export interface IntakeParts {
  store: Pick<SubscriptionStore, 'delivery'>;
  outbox: Outbox;
  feed: Feed;
  standing: Standing;
  queue: Queue;
  /** Deliveries that may wait. */
  limit: number;
  now: () => number;
}

export class Intake {
  readonly #parts: IntakeParts;
  #selection: Selection;
  /** Reads on when the queue is half empty, not one by one. */
  #full = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#selection = selectionOf(parts.standing.row.settings);
  }

  /** Its owner has changed what is wanted. */
  changed(): void {
    this.#selection = selectionOf(this.#parts.standing.row.settings);
  }

  /** Reads a part of the ledger. @returns whether there may be more to read now */
  read(): boolean {
    const { feed, limit, queue, standing } = this.#parts;
    const room = limit - queue.size;
    if (room <= 0) this.#full = true;
    else if (queue.size <= limit / 2) this.#full = false;
    if (this.#full) return false;
    const stretch = feed.after(standing.row.cursor, this.#selection.wantsIn);
    if (stretch === undefined) return false;
    const matching = stretch.messages.filter((message) => this.#selection.matches(message));
    const taken = matching.slice(0, room);
    const last = taken.at(-1);
    this.#enqueue(taken, last !== undefined && taken.length < matching.length ? last.position : stretch.last);
    return true;
  }

  #enqueue(messages: readonly Message[], cursor: number): void {
    const { queue, standing, now: clock } = this.#parts;
    const now = clock();
    const subscription = standing.row.id;
    const rows = messages.filter(({ position }) => !queue.has(position));
    const known = this.#known(rows);
    const added = rows.map(({ position, type, stream, body }): DeliveryRow => {
      const eventId = typeof body.eventId === 'string' ? body.eventId : undefined;
      const attempts = known.get(position)?.attempts ?? [];
      return {
        ...{ subscription, position, state: 'pending', type: type as SubscribedType, stream, eventId },
        ...{ failures: 0, dueAt: now, attempts, createdAt: now, settledAt: undefined },
      };
    });
    for (const row of added) queue.add(row);
    standing.move(cursor);
    standing.store(added, added.length === 0);
  }

  /** Of what is read a second time, the deliveries that were settled. */
  #known(messages: readonly Message[]): Map<number, DeliveryRow> {
    const { store, outbox, standing } = this.#parts;
    const { id, progress } = standing.row;
    const { rereadTo } = progress;
    if (rereadTo === undefined || messages.every(({ position }) => position > rereadTo)) return new Map();
    outbox.flush();
    const rows = messages.flatMap(({ position }) => store.delivery(id, position) ?? []);
    standing.addDead(-rows.filter(({ state }) => state === 'dead').length);
    return new Map(rows.map((row) => [row.position, row]));
  }
}

/** As a watcher's. */
function selectionOf({ types, streams, sources, filter }: SubscriptionSettings): Selection {
  return new Selection({
    types: new Set(types),
    streams: streams && new Set(streams),
    sources: sources && new Set(sources),
    filter: filter === undefined ? undefined : Filter.parse(filter),
  });
}
