/** The order & fuse stage of one stream: events in, as the journal has them; steps of the stream's log out. */
import type { NormalizedEvent, Resolved, Step } from '../event.ts';
import type { StreamConfig } from '../stream.ts';

export interface Stage {
  readonly config: StreamConfig;
  /** Events that are held at present. */
  readonly held: number;
  /** Roughly, what its state consists of: items that are held or remembered. */
  readonly weight: number;
  /** @param at arrival, milliseconds since 1970 */
  take(event: NormalizedEvent, at: number): void;
  /** What comes of an operator's word about an event in quarantine goes on at once, whatever the order. */
  resolve(record: Resolved, at: number): Iterable<Step>;
  /**
   * What is due once an entry of the journal has been taken in.
   * @param at time of the entry
   */
  steps(at: number): Iterable<Step>;
  /** Everything that is held, whatever is still missing. */
  flush(): Iterable<Step>;
  /** Another configuration holds from here on. */
  configure(config: StreamConfig): Iterable<Step>;
  /** All that a restart needs, between two entries of the journal: JSON. */
  state(): object;
}
