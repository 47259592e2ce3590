/** The pending deliveries of a subscription, and which of them may go out next. */
import type { LedgerPosition } from '../store/ledger.ts';
import type { DeliveryRow } from '../store/subscriptions.ts';

export interface Pending {
  row: DeliveryRow;
  underWay: boolean;
}

interface Lane {
  /** By position. */
  list: Pending[];
  underWay: number;
}

export class Queue {
  #ordered: boolean;
  /** By stream; where there is no order, all in one. */
  readonly #lanes = new Map<string, Lane>();
  readonly #all = new Map<LedgerPosition, Pending>();

  constructor(order: 'stream' | 'none', rows: readonly DeliveryRow[] = []) {
    this.#ordered = order === 'stream';
    for (const row of rows) this.add(row);
  }

  get size(): number {
    return this.#all.size;
  }

  has(position: LedgerPosition): boolean {
    return this.#all.has(position);
  }

  /** The same deliveries in another order. */
  reorder(order: 'stream' | 'none'): void {
    const all = [...this.#all.values()];
    this.#lanes.clear();
    this.#ordered = order === 'stream';
    for (const pending of all) this.#place(pending);
  }

  /** Lets one, or all, be tried again at once, whatever they were waiting for. */
  hasten(now: number, position?: LedgerPosition): void {
    const one = position === undefined ? undefined : this.#all.get(position);
    for (const pending of position === undefined ? this.#all.values() : [one]) {
      if (pending !== undefined && pending.row.dueAt > now) pending.row = { ...pending.row, dueAt: now };
    }
  }

  /** A position that is there already stays as it is. */
  add(row: DeliveryRow): void {
    if (this.#all.has(row.position)) return;
    const pending = { row, underWay: false };
    this.#place(pending);
    this.#all.set(row.position, pending);
  }

  #place(pending: Pending): void {
    const { position } = pending.row;
    const lane = this.#laneOf(pending.row);
    const { list } = lane;
    if (pending.underWay) lane.underWay++;
    let place = list.length;
    // Most come in order; what is sent again comes before them.
    while (place > 0 && list[place - 1]!.row.position > position) place--;
    list.splice(place, 0, pending);
  }

  remove(position: LedgerPosition): void {
    const pending = this.#all.get(position);
    if (pending === undefined) return;
    this.ended(pending);
    const lane = this.#laneOf(pending.row);
    lane.list.splice(lane.list.indexOf(pending), 1);
    if (lane.list.length === 0) this.#lanes.delete(this.#keyOf(pending.row));
    this.#all.delete(position);
  }

  started(pending: Pending): void {
    pending.underWay = true;
    this.#laneOf(pending.row).underWay++;
  }

  ended(pending: Pending): void {
    if (!pending.underWay) return;
    pending.underWay = false;
    this.#laneOf(pending.row).underWay--;
  }

  /** The first that is due and has nothing before it that it would overtake. */
  next(now: number): Pending | undefined {
    for (const candidate of this.#candidates()) {
      if (candidate.row.dueAt <= now) return candidate;
    }
    return undefined;
  }

  /** The one that a probe may be made with, due or not: that which has failed the least. */
  probe(): Pending | undefined {
    let best: Pending | undefined;
    for (const candidate of this.#candidates()) {
      const fewer = best === undefined || candidate.row.failures < best.row.failures;
      const same = candidate.row.failures === best?.row.failures && candidate.row.position < best.row.position;
      if (fewer || same) best = candidate;
    }
    return best;
  }

  /** When `next` will find something; undefined when only what is under way can change that. */
  nextDue(): number | undefined {
    let earliest: number | undefined;
    for (const { row } of this.#candidates()) earliest = Math.min(earliest ?? Number.POSITIVE_INFINITY, row.dueAt);
    return earliest;
  }

  *#candidates(): Generator<Pending> {
    for (const { list, underWay } of this.#lanes.values()) {
      if (this.#ordered && underWay > 0) continue;
      for (const pending of list) {
        if (!pending.underWay) yield pending;
        if (this.#ordered) break;
      }
    }
  }

  #laneOf(row: DeliveryRow): Lane {
    const key = this.#keyOf(row);
    const lane = this.#lanes.get(key) ?? { list: [], underWay: 0 };
    this.#lanes.set(key, lane);
    return lane;
  }

  #keyOf({ stream }: DeliveryRow): string {
    return this.#ordered ? stream : '';
  }
}
