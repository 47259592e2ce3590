import type { QuarantinedLeaf, RecordLeaf } from '@tidemark/proof';
import type { NormalizedEvent, Position } from '../event.ts';
import { journaled, Normalizer } from '../normalize/normalizer.ts';
import type { EventsEntry } from '../store/journal.ts';
import type { StreamConfig } from '../stream.ts';
import type { StoredLeaves } from './stored-leaves.ts';

type EventLeaf = RecordLeaf | QuarantinedLeaf;

/** Stands for the leaf of an erased event that is in no packet that is looked at: nothing is equal to it. */
const NO_LEAF = { kind: 'quarantined', eventTime: '1970-01-01T00:00:00.000Z', reasonsHash: '0'.repeat(64) } as const;

/**
 * Normalizes as ever. An event that cannot be normalized ends the replay of its own stream, not that of the others. Of
 * one that is erased, what its policy had made of it is taken from its stored leaf.
 */
export class WatchedNormalizer extends Normalizer {
  readonly #failed: (entry: EventsEntry, position: Position, cause: unknown) => void;
  readonly #leaves: StoredLeaves;
  #onTrust = 0;

  constructor(leaves: StoredLeaves, failed: (entry: EventsEntry, position: Position, cause: unknown) => void) {
    super();
    this.#leaves = leaves;
    this.#failed = failed;
  }

  /** Erased events whose payload hash, or hash of reasons, and event time were taken from the ledger. */
  get onTrust(): number {
    return this.#onTrust;
  }

  override *normalize(entry: EventsEntry, config: StreamConfig, from: Position): Generator<NormalizedEvent> {
    let position = Math.max(entry.first, from);
    try {
      for (const event of super.normalize(entry, config, from)) {
        position = event.position + 1;
        yield event;
      }
    } catch (cause) {
      this.#failed(entry, position, cause);
    }
  }

  /** Asked for where an event comes once more, out of quarantine: its newest leaf says what became of it then. */
  override one(entry: EventsEntry, config: StreamConfig, position: Position): NormalizedEvent {
    const before = this.#onTrust;
    const event = super.normalize(entry, config, position).next().value as NormalizedEvent;
    // It has been counted when it came first.
    this.#onTrust = before;
    const index = position - entry.first;
    if (!entry.events.isErased(index)) return event;
    return fromLeaf(this.#leaves.of(entry.stream, position).at(-1), entry, index, event.policyHash);
  }

  protected override erased(entry: EventsEntry, index: number, policyHash: string): NormalizedEvent {
    this.#onTrust++;
    const [first] = this.#leaves.of(entry.stream, entry.first + index);
    return fromLeaf(first, entry, index, policyHash);
  }
}

/** Whatever the journal still knows is not taken from the leaf. */
function fromLeaf(leaf: EventLeaf | undefined, entry: EventsEntry, index: number, policyHash: string): NormalizedEvent {
  const common = journaled(entry, index, policyHash);
  if (leaf?.kind === 'record') {
    const { kind, eventTime, payloadHash } = leaf;
    return { ...common, kind, eventTime, payloadHash, payload: '' };
  }
  const { kind, eventTime, reasonsHash } = leaf ?? NO_LEAF;
  return { ...common, kind, eventTime, reasonsHash, reasons: [] };
}
