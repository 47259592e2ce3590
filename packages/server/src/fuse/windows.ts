/** The windows of a stream whose packets are cut in event time: which is open, and what came too late for its own. */
import type { EventWindow } from '../event.ts';
import { type Held, precedes } from './held.ts';
import { type RollupState, RollupWindows } from './rollup-windows.ts';
import type { Spans } from './spans.ts';

export interface WindowsState {
  open: EventWindow | null;
  sealed: number | null;
  rollup: RollupState;
}

export class Windows {
  readonly rollups: RollupWindows;
  #spans: Spans;
  #open: EventWindow | undefined;
  /** End of the last window that was sealed. */
  #sealed: number | undefined;
  /** By the start of the window that they belong to. */
  readonly #corrections = new Map<number, Held[]>();

  constructor(spans: Spans) {
    this.rollups = new RollupWindows(spans);
    this.#spans = spans;
  }

  restore({ open, sealed, rollup }: WindowsState, corrections: readonly Held[]): void {
    this.rollups.restore(rollup);
    this.#open = open ?? undefined;
    this.#sealed = sealed ?? undefined;
    for (const held of corrections) this.addCorrection(held);
  }

  configure(spans: Spans): void {
    this.rollups.configure(spans);
    this.#spans = spans;
  }

  /** The open window; undefined between two. */
  get open(): EventWindow | undefined {
    return this.#open;
  }

  /** The window that a record of this time goes into: its own, or the next one if that has been sealed. */
  of(time: number): EventWindow {
    const own = this.#spans.window(time) ?? time;
    // Without need, a new object would be made for every record of a window.
    if (own === this.#open?.start) return this.#open;
    const start = Math.max(own, this.#sealed ?? own, this.#open?.start ?? own);
    if (start === this.#open?.start) return this.#open;
    return { start, end: this.#spans.windowEnd(start), correction: false };
  }

  enter(window: EventWindow): void {
    this.rollups.enter(window);
    this.#open = window;
  }

  leave(): void {
    this.#sealed = this.#open?.end;
    this.#open = undefined;
  }

  /** Opens the window that was sealed last once more, for corrections; undefined before the first. */
  reopen(): EventWindow | undefined {
    const end = this.#sealed;
    if (end === undefined) return undefined;
    this.#open = { start: end - (this.#spans.windowEnd(end) - end), end, correction: true };
    return this.#open;
  }

  /** Nothing more can come into the open window. */
  isComplete(mark: number): boolean {
    return this.#open !== undefined && mark >= this.#spans.complete(this.#open.end);
  }

  isSealed(time: number): boolean {
    const start = this.#spans.window(time);
    return start !== undefined && this.#sealed !== undefined && start < this.#sealed;
  }

  addCorrection(held: Held): void {
    const start = this.#spans.window(held.time) ?? held.time;
    const late = this.#corrections.get(start);
    if (late === undefined) this.#corrections.set(start, [held]);
    else late.push(held);
  }

  /** The corrections that wait, each window's to be sealed by themselves, the oldest first. */
  *takeCorrections(): Generator<{ window: EventWindow; late: Held[] }> {
    for (const [start, late] of [...this.#corrections].sort(([a], [b]) => a - b)) {
      this.#corrections.delete(start);
      late.sort((a, b) => (precedes(a, b) ? -1 : 1));
      yield { window: { start, end: this.#spans.windowEnd(start), correction: true }, late };
    }
  }

  /** All corrections that wait, for a restart. */
  corrections(): Held[] {
    return [...this.#corrections.values()].flat();
  }

  state(): WindowsState {
    return { open: this.#open ?? null, sealed: this.#sealed ?? null, rollup: this.rollups.state() };
  }
}
