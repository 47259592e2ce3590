/**
 * The stage of streams that fuse their sources or are cut in event time. It holds events until the watermark has passed
 * them, so that within the allowed lateness what comes out hangs on the events alone.
 */
import type { AcceptedEvent, NormalizedEvent, QuarantinedEvent, Resolved, Step } from '../event.ts';
import { formatTime } from '../json/time.ts';
import type { OrderPolicy, StreamConfig } from '../stream.ts';
import { Agenda, type Due } from './agenda.ts';
import { Contests, type ContestsState, heldBy } from './contests.ts';
import { type Deadlines, type DeadlinesState, deadlinesOf } from './deadlines.ts';
import { Heap } from './heap.ts';
import {
  type Held,
  type HeldState,
  isAboutTime,
  precedes,
  quarantinedFor,
  type Recall,
  revive,
  stateOf,
  timeOf,
} from './held.ts';
import { HOLD_LIMITS, Holdings, type HoldLimits } from './holdings.ts';
import { MonotonicCheck, type MonotonicCheckState } from './monotonic-check.ts';
import { Outlet } from './outlet.ts';
import { divisionOf, Spans } from './spans.ts';
import type { Stage } from './stage.ts';
import { Watermark, type WatermarkState } from './watermark.ts';
import type { WindowsState } from './windows.ts';

export type OrderedConfig = StreamConfig & { order: OrderPolicy };

export interface EventTimeState {
  watermark: WatermarkState;
  latest: number | null;
  /** Last seq of each source. */
  last: Record<string, number>;
  waiting: HeldState[];
  agenda: HeldState[];
  corrections: HeldState[];
  contests: ContestsState | null;
  deadlines: DeadlinesState;
  windows: WindowsState | null;
  monotonic: MonotonicCheckState;
}

export class EventTimeStage implements Stage {
  #config: OrderedConfig;
  #spans: Spans;
  #contests: Contests | undefined;
  #deadlines: Deadlines | undefined;
  readonly #watermark: Watermark;
  readonly #monotonic: MonotonicCheck;
  readonly #holdings = new Holdings();
  readonly #outlet = new Outlet(this.#holdings);
  readonly #recall: Recall;
  readonly #limits: HoldLimits;
  /** What the watermark has not passed. */
  readonly #waiting = new Heap<Held>(precedes);
  /** Of streams that fuse: what the watermark has passed, and whose bucket it has not. */
  readonly #agenda = new Agenda();
  /** Too late to be held, or without a time to be held by: they go on after whatever else is due. */
  #prompt: Held[] = [];
  /** Newest event time of all. */
  #latest: number | undefined;

  constructor(config: OrderedConfig, at: number, recall: Recall, limits = HOLD_LIMITS) {
    this.#config = config;
    this.#recall = recall;
    this.#limits = limits;
    this.#spans = new Spans(config);
    this.#watermark = new Watermark(config.order, Object.keys(config.sources), at);
    this.#monotonic = new MonotonicCheck(config);
    this.#adopt();
  }

  static restore(config: OrderedConfig, state: EventTimeState, recall: Recall, limits = HOLD_LIMITS): EventTimeStage {
    const stage = new EventTimeStage(config, 0, recall, limits);
    stage.#restore(state);
    return stage;
  }

  get config(): StreamConfig {
    return this.#config;
  }

  get held(): number {
    return this.#holdings.events;
  }

  get weight(): number {
    return this.#holdings.events + (this.#contests?.remembered ?? 0) + this.#monotonic.remembered;
  }

  take(event: NormalizedEvent, at: number): void {
    this.#holdings.took(event);
    const time = timeOf(event);
    const latest = at + this.#config.order.futureMs;
    if (event.kind === 'quarantined' && (time > latest || event.reasons.some(isAboutTime)))
      this.#takeUntimed(event, at);
    else if (event.kind === 'record' && time > latest) {
      this.#takeUntimed(quarantinedFor(event, `future:${event.eventTime}>${formatTime(latest)}`), at);
    } else this.#takeTimed({ event, at, time });
  }

  resolve(record: Resolved, at: number): Iterable<Step> {
    const position = record.kind === 'control' ? record.about : record.position;
    // What has become part of a decision before the word came is in the log already.
    if (this.#contests?.withdraw(position) === false) return [];
    return this.#outlet.appendResolved(record, at);
  }

  *steps(at: number): Generator<Step> {
    this.#watermark.advance(at, this.#latest === undefined ? undefined : this.#spans.flush(this.#latest));
    const expired = this.#deadlines?.expired(this.#watermark.now);
    if (expired !== undefined) this.#watermark.push(expired);
    yield* this.#pass();
    while (this.#holdings.exceed(this.#limits) && this.#pushOn()) yield* this.#pass();
    yield* this.#passPrompt();
  }

  *flush(): Generator<Step> {
    while (this.#pushOn()) yield* this.#pass();
    yield* this.#passPrompt();
    yield* this.#outlet.finish();
  }

  /** What is held goes on under the new configuration, unless that divides the stream in another way. */
  *configure(config: OrderedConfig): Generator<Step> {
    if (divisionOf(config) !== divisionOf(this.#config)) yield* this.flush();
    this.#config = config;
    this.#spans = new Spans(config);
    this.#watermark.configure(config.order, Object.keys(config.sources));
    this.#monotonic.configure(config);
    this.#adopt();
  }

  state(): EventTimeState {
    return {
      watermark: this.#watermark.state(),
      latest: this.#latest ?? null,
      last: this.#holdings.state(),
      waiting: [...this.#waiting].map(stateOf),
      agenda: this.#agenda.held().map(stateOf),
      corrections: this.#outlet.corrected().map(stateOf),
      contests: this.#contests?.state() ?? null,
      deadlines: this.#deadlines?.state() ?? [],
      windows: this.#outlet.state(),
      monotonic: this.#monotonic.state(),
    };
  }

  #restore(state: EventTimeState): void {
    const all = revive(this.#recall, [state.waiting, state.agenda, state.corrections, ...heldBy(state.contests)]);
    const [waiting = [], agenda = [], corrections = [], ...members] = all;
    this.#watermark.restore(state.watermark);
    this.#latest = state.latest ?? undefined;
    const events = all.flat().map(({ event }) => event);
    this.#holdings.restore(state.last, events);
    for (const held of waiting) this.#waiting.push(held);
    for (const held of agenda) this.#agenda.add({ release: this.#spans.release(held.time), held });
    this.#outlet.restore(state.windows, corrections);
    if (state.contests !== null) {
      for (const contest of this.#contests?.restore(state.contests, members) ?? []) {
        this.#agenda.add({ release: contest.release, contest });
      }
    }
    this.#deadlines = deadlinesOf(this.#config, state.deadlines);
    this.#monotonic.restore(state.monotonic);
  }

  /** Makes what hangs on the configuration. */
  #adopt(): void {
    const { fusion } = this.#config;
    this.#outlet.configure(this.#spans);
    const former = this.#contests;
    this.#contests = fusion && new Contests({ ...this.#config, fusion }, this.#spans, this.#recall);
    if (former !== undefined) this.#contests?.takeOver(former);
    this.#deadlines = deadlinesOf(this.#config, this.#deadlines?.state() ?? this.#arrivals());
  }

  /** When what is held arrived, by what it waits for, the earliest first. */
  #arrivals(): DeadlinesState {
    const held = [...this.#waiting, ...this.#agenda.events()].sort((a, b) => a.at - b.at);
    return held.map(({ time, at }) => [this.#spans.release(time), at]);
  }

  /** Without a time of its own it follows what its source sent before: that hangs on the source alone. */
  #takeUntimed(event: QuarantinedEvent, at: number): void {
    const time = this.#watermark.newest(event.source);
    if (time === undefined || this.#watermark.isLate(time)) this.#prompt.push({ event, at, time: time ?? at });
    else this.#hold({ event, at, time });
  }

  #takeTimed(held: Held): void {
    const { event, at, time } = held;
    // Also of events that are refused: a source whose events all fail holds up nobody.
    this.#watermark.saw(event.source, time, at);
    if (this.#latest === undefined || time > this.#latest) this.#latest = time;
    if (!this.#watermark.isLate(time)) this.#hold(held);
    else if (event.kind === 'record') this.#takeLate({ event, at, time });
    else this.#prompt.push(held);
  }

  #hold(held: Held): void {
    this.#waiting.push(held);
    this.#expect(held);
  }

  #expect({ time, at }: Held): void {
    const release = this.#spans.release(time);
    if (!this.#watermark.hasReached(release)) this.#deadlines?.add(release, at);
  }

  #takeLate(held: Held<AcceptedEvent>): void {
    const { late } = this.#config.order;
    if (this.#contests !== undefined && late === 'correct') this.#enter(held);
    else if (late === 'quarantine') this.#refuse(held, this.#lateness(held));
    else {
      const notes = [...(held.event.notes ?? []), this.#lateness(held)];
      const noted = { ...held, event: { ...held.event, notes } };
      if (late === 'next' || !this.#outlet.correct(noted)) this.#prompt.push(noted);
    }
  }

  #lateness({ event }: Held): string {
    return `late:${event.eventTime}<${formatTime(this.#watermark.mark ?? 0)}`;
  }

  #refuse(held: Held<AcceptedEvent>, reason: string): void {
    this.#prompt.push({ ...held, event: quarantinedFor(held.event, reason) });
  }

  /** Moves the mark to where the next event, or contest, goes on. */
  #pushOn(): boolean {
    const waiting = this.#waiting.top;
    const releases = [waiting && this.#spans.release(waiting.time), this.#agenda.next].filter((at) => at !== undefined);
    if (releases.length === 0) return false;
    this.#watermark.push(Math.min(...releases));
    return true;
  }

  /** Lets go on what the watermark has passed. */
  *#pass(): Generator<Step> {
    const { mark } = this.#watermark;
    if (mark === undefined) return;
    for (let { top } = this.#waiting; top !== undefined && top.time < mark; { top } = this.#waiting) {
      yield* this.#passDue(top.time);
      this.#waiting.pop();
      yield* this.#passOrdered(top);
    }
    yield* this.#passDue(mark);
    yield* this.#outlet.complete(mark);
  }

  /** An event whose turn has come in the order of event times. */
  *#passOrdered({ event, time, at }: Held): Generator<Step> {
    const checked = event.kind === 'record' ? this.#monotonic.check(event) : event;
    if (this.#contests === undefined) yield* this.#outlet.append(checked, time, at);
    else if (checked.kind === 'record') this.#enter({ event: checked, time, at });
    else this.#agenda.add({ release: this.#spans.release(time), held: { event: checked, time, at } });
  }

  #enter(held: Held<AcceptedEvent>): void {
    this.#expect(held);
    const entered = this.#contests?.enter(held, this.#watermark.mark);
    if (typeof entered === 'object') this.#agenda.add({ release: entered.opened.release, contest: entered.opened });
    else if (entered === 'full') this.#refuse(held, `too-many-candidates:${held.event.eventTime}`);
    else if (entered === 'forgotten') this.#refuse(held, this.#lateness(held));
  }

  *#passDue(mark: number): Generator<Step> {
    for (let due = this.#agenda.take(mark); due !== undefined; due = this.#agenda.take(mark)) yield* this.#passOne(due);
  }

  *#passOne(due: Due): Generator<Step> {
    if ('held' in due) {
      yield* this.#outlet.append(due.held.event, due.held.time, due.held.at);
      return;
    }
    const { contest } = due;
    const arrivedAt = Math.max(...contest.members.map(({ at }) => at));
    for (const record of this.#contests?.decide(contest) ?? []) {
      yield* this.#outlet.append(record, contest.start, arrivedAt);
    }
  }

  *#passPrompt(): Generator<Step> {
    const { mark } = this.#watermark;
    // Contests that late events have opened are due already, and may have no room for others.
    if (mark !== undefined) yield* this.#passDue(mark);
    const prompt = this.#prompt;
    this.#prompt = [];
    if (mark === undefined) yield* this.#outlet.appendApart(prompt);
    else {
      // Their windows may be ahead of what others still have to say of earlier ones.
      const pending = this.#spans.pending(mark);
      for (const { event, time, at } of prompt) yield* this.#outlet.append(event, Math.min(time, pending), at);
    }
    yield* this.#outlet.corrections();
  }
}
