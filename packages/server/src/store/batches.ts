/** What is known of batches beside the journal: what was said of them, their gates, and the messages about them. */
import type { PublishRow } from '../notify/event-publish-row.ts';

export type BatchState = 'open' | 'ingested' | 'failed' | 'embedding' | 'embedded';

/** `open`: never locked; `unlocked`: by an administrator, for good unless one locks it again. */
export type Gate = 'open' | 'locked' | 'unlocked';

/** Whether this server has the batch's texts embedded; `none`: nobody has asked for it. */
export type Embedding = 'none' | 'due' | 'done' | 'failed';

export interface BatchFacts {
  tag: string;
  /** Undefined for a batch that is ingested elsewhere. */
  stream: string | undefined;
  source: string | undefined;
  /** What whoever began it calls itself. */
  owner: string | undefined;
  state: BatchState;
  pii: boolean;
  gate: Gate;
  /** Milliseconds since 1970. */
  openedAt: number;
  endedAt: number | undefined;
  spool: string | undefined;
  bytes: number | undefined;
  files: number | undefined;
  /** Records, as the orchestrator counts them. */
  processed: number | undefined;
  inserted: number | undefined;
  duplicates: number | undefined;
  rejected: number | undefined;
  embedding: Embedding;
  embedded: number;
}

/** Something that happened to a batch. */
export interface Happening {
  /** Milliseconds since 1970. */
  at: number;
  what: string;
  detail: Readonly<Record<string, unknown>>;
}

/** A message as it is kept; `seq` counts from 1, with gaps. */
export interface KeptMessage extends PublishRow {
  seq: number;
  /** Milliseconds since 1970. */
  receivedAt: number;
}

export interface BatchPage {
  batches: BatchFacts[];
  /** To be given for the next page; undefined when there are no more. */
  next: number | undefined;
}

/** Each call is one atomic commit, on disk when it returns. */
export interface BatchStore {
  /** Runs `work`, which may call the others, as one commit. */
  together<T>(work: () => T): T;
  one(tag: string): BatchFacts | undefined;
  /** Newest first. */
  page(state: BatchState | undefined, before: number | undefined, limit: number): BatchPage;
  put(facts: BatchFacts): void;
  /** What is more than `MAX_HAPPENINGS` of one batch is not kept. */
  note(tag: string, happening: Happening): void;
  /** Oldest first. */
  happenings(tag: string): Happening[];
  /** Tags of the batches that are locked. */
  locked(): string[];
  /** Batches that are to be embedded, and whose gate is not locked. */
  toEmbed(): BatchFacts[];
  /** @param told whether nobody has to tell it any more. @returns its seq */
  keep(message: PublishRow, receivedAt: number, told: boolean): number;
  /** Whether a message of this event of the batch is kept. */
  knows(tag: string, event: string): boolean;
  told(seq: number): void;
  /** Those that are still to be told, oldest first. */
  untold(limit: number): KeptMessage[];
  /** Messages after `seq`, in order. */
  after(seq: number, limit: number): KeptMessage[];
  head(): number;
  /** Forgets all but the newest. */
  trim(keep: number): void;
  /** Keeps a message back. Once more changes nothing. */
  hold(tag: string, message: Pick<PublishRow, 'channel' | 'message'>): void;
  /** Batches of which something is held back, and which are not locked any more. */
  released(): string[];
  /** Takes out what has been kept back, in that order. */
  release(tag: string): Pick<PublishRow, 'channel' | 'message'>[];
  close(): void;
}

export const MAX_HAPPENINGS = 1000;
