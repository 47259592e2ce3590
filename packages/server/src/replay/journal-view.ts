/** The journal as a replay reads it: up to one moment, the streams that are compared alone, and only what is sound. */
import { canonicalize } from '@tidemark/proof';
import type { Position } from '../event.ts';
import { saltedHash } from '../salt.ts';
import {
  type BatchEntry,
  type BatchMarks,
  type ConfigEntry,
  type ErasureEntry,
  type EventsEntry,
  itemsOf,
  type JournalEntry,
  type JournalReader,
  type ResolutionEntry,
} from '../store/journal.ts';
import type { StreamConfig } from '../stream.ts';

export interface Bounds {
  /** The last position that is read. */
  head: Position;
  /** No bite reaches beyond this position if it begins before, so that it is known which packets are due by then. */
  cursor: Position;
}

export interface Watch {
  wants(stream: string): boolean;
  /** An entry that cannot be worked on; no other of its stream is wanted from then on. */
  damaged(entry: JournalEntry, position: Position, what: string): void;
}

export class JournalView implements JournalReader {
  readonly #journal: JournalReader;
  readonly #bounds: Bounds;
  readonly #watch: Watch;
  readonly #configured = new Set<string>();
  #reached: Position = 1;
  #events = 0;

  constructor(journal: JournalReader, bounds: Bounds, watch: Watch) {
    this.#journal = journal;
    this.#bounds = bounds;
    this.#watch = watch;
  }

  /** One beyond the last item that has been given out. */
  get reached(): Position {
    return this.#reached;
  }

  /** Events that have been given out. */
  get events(): number {
    return this.#events;
  }

  head(): Position {
    return this.#bounds.head;
  }

  read(from: Position, maxBytes: number): JournalEntry[] {
    const { head, cursor } = this.#bounds;
    for (let next = from; next <= head; ) {
      const read = this.#journal.read(next, maxBytes).filter(({ first }) => first <= head);
      const last = read.at(-1);
      if (last === undefined) return [];
      const before = read.filter((entry) => endOf(entry) <= cursor);
      const bite = before.length === 0 ? read : before;
      next = endOf(bite.at(-1) ?? last);
      const sound = bite.filter((entry) => this.#watch.wants(entry.stream) && this.#isSound(entry));
      if (sound.length > 0) {
        this.#reached = next;
        return sound;
      }
    }
    return [];
  }

  readBackwards(before: Position, limit: number, source?: string): JournalEntry[] {
    return this.#journal.readBackwards(before, limit, source);
  }

  entryAt(position: Position): JournalEntry | undefined {
    return this.#journal.entryAt(position);
  }

  configBefore(stream: string, before: Position): ConfigEntry | undefined {
    return this.#journal.configBefore(stream, before);
  }

  resolution(position: Position): ResolutionEntry | undefined {
    return this.#journal.resolution(position);
  }

  erasure(position: Position): ErasureEntry | undefined {
    return this.#journal.erasure(position);
  }

  erasuresToDo(): ErasureEntry[] {
    return this.#journal.erasuresToDo();
  }

  batch(tag: string): BatchMarks | undefined {
    return this.#journal.batch(tag);
  }

  openBatch(stream: string): BatchEntry | undefined {
    return this.#journal.openBatch(stream);
  }

  close(): void {
    this.#journal.close();
  }

  #isSound(entry: JournalEntry): boolean {
    const wrong = this.#wrong(entry);
    if (wrong === undefined) {
      if (entry.kind === 'events') this.#events += entry.events.count;
      return true;
    }
    this.#watch.damaged(entry, wrong.position, wrong.what);
    return false;
  }

  #wrong(entry: JournalEntry): { position: Position; what: string } | undefined {
    const { first, stream, kind } = entry;
    if (kind === 'config') {
      if (!isConfig(entry)) return { position: first, what: 'this configuration cannot be read' };
      this.#configured.add(stream);
    } else if (!this.#configured.has(stream)) {
      return { position: first, what: `there is no configuration of ${stream} before` };
    }
    return kind === 'events' ? this.#wrongEvent(entry) : undefined;
  }

  #wrongEvent({ first, events }: EventsEntry): { position: Position; what: string } | undefined {
    if (!Number.isInteger(events.count)) return { position: first, what: 'the headers of its events are cut short' };
    for (let index = 0; index < events.count; index++) {
      const position = first + index;
      if (events.isErased(index)) {
        if (this.#journal.erasure(position) !== undefined) continue;
        return { position, what: 'nothing is left of it, and nobody has had it erased' };
      }
      if (saltedHash(events.salt(index), events.bytes(index)) === events.rawHash(index)) continue;
      return { position, what: 'the journaled bytes do not have the hash that they were journaled with' };
    }
    return undefined;
  }
}

function endOf(entry: JournalEntry): Position {
  return entry.first + itemsOf(entry);
}

function isConfig({ stream, config: text }: ConfigEntry): boolean {
  try {
    const config = JSON.parse(text) as StreamConfig;
    return config.id === stream && canonicalize(config) === text;
  } catch {
    return false;
  }
}
