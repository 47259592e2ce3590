/** The windows over which a stream's packets are rolled up: which one is open, and up to where they are closed. */
import type { EventWindow, RollupWindow } from '../event.ts';
import type { Spans } from './spans.ts';

export interface RollupState {
  open: RollupWindow | null;
  closed: number | null;
}

export class RollupWindows {
  #spans: Spans;
  #open: RollupWindow | undefined;
  /** End of the last one that was closed. */
  #closed: number | undefined;

  constructor(spans: Spans) {
    this.#spans = spans;
  }

  restore({ open, closed }: RollupState): void {
    this.#open = open ?? undefined;
    this.#closed = closed ?? undefined;
  }

  configure(spans: Spans): void {
    this.#spans = spans;
  }

  /**
   * A packet of this window is begun. What comes after its rollup has been closed goes into the next one that is opened,
   * so that no two have the same bounds.
   */
  enter({ start }: EventWindow): void {
    const own = this.#spans.rollup(start);
    if (own === undefined || this.#open !== undefined || own.start < (this.#closed ?? own.start)) return;
    this.#open = own;
  }

  /** Closes the open one if a packet of this window does not belong to it. */
  takeBefore({ start }: EventWindow): RollupWindow | undefined {
    return this.#open !== undefined && start >= this.#open.end ? this.take() : undefined;
  }

  /** Closes the open one if no window of it can be opened any more. */
  takeComplete(mark: number): RollupWindow | undefined {
    return this.#open !== undefined && mark >= this.#spans.complete(this.#open.end) ? this.take() : undefined;
  }

  /** Closes the open one, if there is one. */
  take(): RollupWindow | undefined {
    const open = this.#open;
    if (open !== undefined) this.#closed = open.end;
    this.#open = undefined;
    return open;
  }

  state(): RollupState {
    return { open: this.#open ?? null, closed: this.#closed ?? null };
  }
}
