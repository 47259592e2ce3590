/** Journal and pipeline, tied together: what the one has written, the other is told of. */
import type { BatchMark, BatchMarked } from '../batch-mark.ts';
import type { Erasing } from '../erasure.ts';
import type { Position } from '../event.ts';
import type { ErasureWord, Heard, Word } from '../store/journal.ts';
import { type Deliver, JournalClient } from './journal-client.ts';
import { PassageClient } from './passage-client.ts';
import type { JournalSetup, PassageSetup, Progress } from './protocol.ts';

/** Told of what becomes visible. */
export interface Listener {
  journalGrew(head: Position): void;
  progressed(progress: Progress): void;
}

export interface Alarm {
  /** Something failed and will be tried again. */
  troubled(message: string): void;
  /** A thread has ended by itself; the process is of no use any more. */
  died(error: Error): void;
}

export interface Threads {
  deliver: Deliver;
  /** Positions of all versions of an event, oldest first; undefined when the journal cannot be asked now. */
  find(eventId: string): Promise<Position[] | undefined>;
  /** Operators' words about events in quarantine; undefined when they may or may not have been written. */
  resolve(words: readonly Word[]): Promise<Heard[] | undefined>;
  /** Has all versions of an event erased; undefined as with `resolve`. */
  erase(eventId: string, word: ErasureWord): Promise<Erasing | undefined>;
  /** Has a batch begin or end; undefined as with `resolve`. */
  markBatch(mark: BatchMark): Promise<BatchMarked | undefined>;
  /** What others say of where versions are anchored; each is checked before it counts. */
  anchoring: Pick<PassageClient, 'anchored' | 'callback' | 'retryCertifier'>;
  /** Deliveries that wait for their commit. */
  pending(): number;
  listen(listener: Listener): void;
  /** Everything that was delivered is answered first. */
  close(): Promise<void>;
}

/** Opens the journal, then the pipeline over it. Settles when both are open. */
export async function startThreads(journal: JournalSetup, passage: PassageSetup, alarm: Alarm): Promise<Threads> {
  let listener: Listener | undefined;
  let second: PassageClient | undefined;
  const first = new JournalClient(journal, {
    ...alarm,
    grew: (head) => {
      second?.wake();
      listener?.journalGrew(head);
    },
  });
  const progressed = (progress: Progress) => {
    first.progressed();
    listener?.progressed(progress);
  };
  // By then every stream's configuration is in the journal, and the file is there to be read.
  await first.ready;
  second = new PassageClient(passage, { ...alarm, progressed });
  try {
    await second.ready;
  } catch (cause) {
    await first.close();
    throw cause;
  }
  second.wake();
  const pipeline = second;
  return {
    deliver: first.deliver,
    find: (eventId) => first.find(eventId),
    resolve: (words) => first.resolve(words),
    erase: (eventId, word) => first.erase(eventId, word),
    markBatch: (mark) => first.markBatch(mark),
    anchoring: pipeline,
    pending: () => first.pending,
    listen: (those) => {
      listener = those;
    },
    close: async () => {
      await first.close();
      await pipeline.close();
    },
  };
}
