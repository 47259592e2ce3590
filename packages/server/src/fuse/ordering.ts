/** The order & fuse stages of all streams that have one, and what of them has to survive a restart. */
import type { Position } from '../event.ts';
import type { StageRow } from '../store/ledger.ts';
import type { StreamConfig } from '../stream.ts';
import { ArrivalOrderStage, type ArrivalOrderState } from './arrival-order-stage.ts';
import { EventTimeStage, type EventTimeState, type OrderedConfig } from './event-time-stage.ts';
import type { Recall } from './held.ts';
import { HOLD_LIMITS, type HoldLimits } from './holdings.ts';
import { isMonotonic } from './monotonic-check.ts';
import type { Stage } from './stage.ts';

export interface OrderingOptions {
  /** Journal items after which a state is worth a snapshot, at least; a stage that holds more waits longer for it. */
  snapshotItems?: number;
  limits?: HoldLimits;
}

const SNAPSHOT_ITEMS = 10_000;

interface Staged {
  stage: Stage;
  /** Where the journal would be read on from after a restart. */
  from: Position;
  /** A state that can be committed once all leaves that it takes for granted are in sealed packets. */
  snapshot: StageRow | undefined;
}

interface SavedStage {
  config: StreamConfig;
  state: unknown;
}

export class Ordering {
  readonly #stages = new Map<string, Staged>();
  readonly #recall: Recall;
  readonly #limits: HoldLimits;
  readonly #snapshotItems: number;
  #dropped: string[] = [];

  /** @param rows as the ledger has them */
  constructor(rows: readonly StageRow[], recall: Recall, options: OrderingOptions = {}) {
    this.#recall = recall;
    this.#limits = options.limits ?? HOLD_LIMITS;
    this.#snapshotItems = options.snapshotItems ?? SNAPSHOT_ITEMS;
    for (const { stream, position, state } of rows) {
      const saved = JSON.parse(state) as SavedStage;
      this.#stages.set(stream, { stage: this.#restore(saved), from: position, snapshot: undefined });
    }
  }

  /** Events that are held at present, over all streams. */
  get held(): number {
    let held = 0;
    for (const { stage } of this.#stages.values()) held += stage.held;
    return held;
  }

  /** The stage of a stream; undefined for one whose events pass straight on. */
  stage(stream: string): Stage | undefined {
    return this.#stages.get(stream)?.stage;
  }

  /** Items of the stream below this position have been taken in; undefined for a stream without a stage. */
  from(stream: string): Position | undefined {
    return this.#stages.get(stream)?.from;
  }

  /**
   * To be called when a configuration has come into force, and what was due under the former one is in the log.
   * @param position of the configuration
   * @param leaf leaves of the log, all in sealed packets
   */
  reconfigured(config: StreamConfig, position: Position, at: number, leaf: number): void {
    if (!isStaged(config)) {
      if (this.#stages.delete(config.id)) this.#dropped.push(config.id);
      return;
    }
    const former = this.#stages.get(config.id);
    const kept = former !== undefined && sameStage(former.stage.config, config);
    const stage = kept ? former.stage : this.#create(config, at);
    this.#stages.set(config.id, {
      stage,
      from: former?.from ?? position,
      snapshot: snapshotOf(stage, position + 1, leaf),
    });
  }

  /**
   * What is to be committed now.
   * @param next the first journal item that has not been taken in
   * @param extent leaves of a stream's log: up to the record that came last, and in sealed packets
   * @param between false while an entry of the journal is being taken in: then no state is to be had
   */
  collect(next: Position, extent: (stream: string) => { reached: number; sealed: number }, between: boolean) {
    const rows: StageRow[] = [];
    for (const [stream, staged] of this.#stages) {
      const { reached, sealed } = extent(stream);
      const worth = Math.max(this.#snapshotItems, 4 * staged.stage.weight);
      if (between && staged.snapshot === undefined && next - staged.from >= worth) {
        staged.snapshot = snapshotOf(staged.stage, next, reached);
      }
      if (staged.snapshot === undefined || staged.snapshot.leaf > sealed) continue;
      rows.push(staged.snapshot);
      staged.from = staged.snapshot.position;
      staged.snapshot = undefined;
    }
    const dropped = this.#dropped;
    this.#dropped = [];
    const positions = [...this.#stages.values()].map(({ from }) => from);
    return { rows, dropped, from: positions.length === 0 ? undefined : Math.min(...positions) };
  }

  #create(config: StreamConfig, at: number): Stage {
    return isOrdered(config)
      ? new EventTimeStage(config, at, this.#recall, this.#limits)
      : new ArrivalOrderStage(config);
  }

  #restore({ config, state }: SavedStage): Stage {
    return isOrdered(config)
      ? EventTimeStage.restore(config, state as EventTimeState, this.#recall, this.#limits)
      : new ArrivalOrderStage(config, state as ArrivalOrderState);
  }
}

/** Whether a stage that has one can go on under the other configuration. */
export function sameStage(a: StreamConfig, b: StreamConfig): boolean {
  return isStaged(b) && isOrdered(a) === isOrdered(b);
}

function isStaged(config: StreamConfig): boolean {
  return isOrdered(config) || isMonotonic(config);
}

function isOrdered(config: StreamConfig): config is OrderedConfig {
  return config.order !== undefined;
}

function snapshotOf(stage: Stage, position: Position, leaf: number): StageRow {
  const { config } = stage;
  const saved: SavedStage = { config, state: stage.state() };
  return { stream: config.id, position, leaf, state: JSON.stringify(saved) };
}
