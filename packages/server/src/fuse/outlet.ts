/** Where events leave the stage: as steps of the stream's log, window by window where packets are cut in event time. */
import type { AcceptedEvent, EventWindow, LogRecord, Resolved, RollupWindow, Step } from '../event.ts';
import type { Held } from './held.ts';
import type { Holdings } from './holdings.ts';
import type { Spans } from './spans.ts';
import { Windows, type WindowsState } from './windows.ts';

const SEAL: Step = { kind: 'seal' };

export class Outlet {
  readonly #holdings: Holdings;
  #windows: Windows | undefined;

  constructor(holdings: Holdings) {
    this.#holdings = holdings;
  }

  configure(spans: Spans): void {
    if (!spans.windowed) this.#windows = undefined;
    else if (this.#windows === undefined) this.#windows = new Windows(spans);
    else this.#windows.configure(spans);
  }

  *append(record: LogRecord, time: number, arrivedAt: number): Generator<Step> {
    const window = this.#windows?.of(time);
    if (window !== undefined && window !== this.#windows?.open) {
      yield* this.#seal();
      yield* rollUp(this.#windows?.rollups.takeBefore(window));
      this.#windows?.enter(window);
    }
    yield this.#step(record, arrivedAt, window);
  }

  /**
   * Events that no window can be told for, since none has come so far: a packet of their own, by when they came. It
   * leaves open where the windows will begin.
   */
  *appendApart(held: readonly Held[]): Generator<Step> {
    for (const { event, at } of held) yield this.#step(event, at, this.#windows?.of(at));
    if (this.#windows !== undefined && held.length > 0) yield SEAL;
  }

  /** Seals the window that is open if nothing more can come into it, and rolls up if no other can be opened. */
  *complete(mark: number): Generator<Step> {
    if (this.#windows?.isComplete(mark) === true) yield* this.#seal();
    if (this.#windows?.open === undefined) yield* rollUp(this.#windows?.rollups.takeComplete(mark));
  }

  /** Seals the open window and closes the open rollup, whatever may still be missing in them. */
  *finish(): Generator<Step> {
    yield* this.#seal();
    yield* rollUp(this.#windows?.rollups.take());
  }

  /** Packets of what came too late for its window, unless they have to wait for the open one. */
  *corrections(): Generator<Step> {
    const windows = this.#windows;
    if (windows === undefined || windows.open !== undefined) return;
    for (const { window, late } of windows.takeCorrections()) {
      for (const { event, at } of late) yield this.#step(event, at, window);
      yield SEAL;
    }
  }

  /**
   * What comes of an operator's word belongs to no window that is still to come: it goes into the open one, or into
   * corrections of the last, which the next step of the watermark seals.
   */
  *appendResolved(record: Resolved, arrivedAt: number): Generator<Step> {
    const window = this.#windows?.open ?? this.#windows?.reopen();
    if (this.#windows === undefined || window !== undefined) yield this.#step(record, arrivedAt, window);
    else {
      yield this.#step(record, arrivedAt, this.#windows.of(arrivedAt));
      yield SEAL;
    }
  }

  /** Whether the event has come too late for its window, and waits for a packet of corrections now. */
  correct(held: Held<AcceptedEvent>): boolean {
    if (this.#windows?.isSealed(held.time) !== true) return false;
    this.#windows.addCorrection(held);
    return true;
  }

  corrected(): Held[] {
    return this.#windows?.corrections() ?? [];
  }

  state(): WindowsState | null {
    return this.#windows?.state() ?? null;
  }

  restore(state: WindowsState | null, corrections: readonly Held[]): void {
    if (state !== null) this.#windows?.restore(state, corrections);
  }

  /** Seals the open window, if there is one; between two windows is the place for corrections of earlier ones. */
  *#seal(): Generator<Step> {
    if (this.#windows?.open === undefined) return;
    this.#windows.leave();
    yield SEAL;
    yield* this.corrections();
  }

  #step(record: LogRecord, arrivedAt: number, window: EventWindow | undefined): Step {
    this.#holdings.left(record);
    return { kind: 'append', record, arrivedAt, through: this.#holdings.through, window };
  }
}

function* rollUp(window: RollupWindow | undefined): Generator<Step> {
  if (window !== undefined) yield { kind: 'rollup', window };
}
