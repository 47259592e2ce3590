/** What the threads say to each other. Bodies travel as one transferred buffer a message. */
import type { Receipt } from '@tidemark/proof';
import type { AnchorSettings } from '../anchor/open.ts';
import type { BatchMark, BatchMarked } from '../batch-mark.ts';
import type { Erasing } from '../erasure.ts';
import type { Position } from '../event.ts';
import type { Followed } from '../headers/open.ts';
import type { IntakeCode, Rejection } from '../intake/errors.ts';
import type { Delivery } from '../intake/intake.ts';
import type { KeyFiles } from '../keys.ts';
import type { ErasureWord, Heard, Word } from '../store/journal.ts';
import type { LedgerPosition } from '../store/ledger.ts';
import type { Source, StreamConfig } from '../stream.ts';
import type { WitnessAt } from '../witness/client.ts';

export interface JournalSetup {
  dataDir: string;
  keyFiles: KeyFiles;
  sources: readonly Source[];
  secrets: ReadonlyMap<string, string>;
  streams: readonly StreamConfig[];
  limits: { eventsPerRequest: number; eventBytes: number };
}

export interface PassageSetup {
  dataDir: string;
  keyFiles: KeyFiles;
  anchor: AnchorSettings;
  publicUrl: string | undefined;
  headers: Followed | undefined;
  witnesses: readonly WitnessAt[];
}

/** A delivery whose body is `[start, end)` of the message's bytes. */
export interface WireDelivery extends Omit<Delivery, 'body'> {
  id: number;
  start: number;
  end: number;
}

export type ToJournal =
  | { kind: 'deliver'; deliveries: WireDelivery[]; bytes: Uint8Array }
  | { kind: 'find'; id: number; eventId: string }
  | { kind: 'resolve'; id: number; words: readonly Word[] }
  | { kind: 'erase'; id: number; eventId: string; word: ErasureWord }
  | { kind: 'batch'; id: number; mark: BatchMark }
  /** The ledger may have come further. */
  | { kind: 'progressed' }
  | { kind: 'close' };

export interface Acknowledged {
  ok: true;
  sourceId: string;
  /** JSON text of the list of event ids. */
  inserted: string;
  count: number;
  duplicates: number;
  rejected: Rejection[];
  receipt: Receipt | undefined;
}

export interface Refused {
  ok: false;
  code: IntakeCode;
  status: number;
  hint: string;
  rejected: readonly Rejection[];
}

export type Answer = Acknowledged | Refused;

export type FromJournal =
  | { kind: 'ready' }
  | { kind: 'answers'; answers: { id: number; answer: Answer }[] }
  /** The journal has grown. */
  | { kind: 'head'; head: Position }
  /** Positions of all versions of an event, oldest first; undefined when the journal could not be asked. */
  | { kind: 'found'; id: number; positions: Position[] | undefined }
  /** What became of each word; undefined when they may or may not have been written. */
  | { kind: 'heard'; id: number; heard: Heard[] | undefined }
  | { kind: 'erasing'; id: number; erasing: Erasing | undefined }
  | { kind: 'batch-marked'; id: number; marked: BatchMarked | undefined }
  | { kind: 'trouble'; message: string };

export type ToPassage =
  | { kind: 'wake' }
  /** Evidence that a version of ours is anchored. */
  | { kind: 'anchored'; versionId: string; envelope: unknown }
  /** What ARC reports. */
  | { kind: 'callback'; body: unknown; token: string | undefined }
  /** A call of the certifier that was given up is to be made again. */
  | { kind: 'retry'; versionId: string }
  | { kind: 'close' };

export interface OutsideTroubles {
  /** Why versions are not being anchored. */
  anchoring: string | undefined;
  /** Of sources of block headers. */
  headers: string[];
  witnesses: string[];
}

export interface Progress {
  ledgerHead: LedgerPosition;
  /** Journal items below are dealt with, or held back on purpose. */
  reached: Position;
  /** Events that streams hold back until their order is settled. */
  held: number;
  /** Of others, in words; what comes in is certified all the same. */
  troubles: OutsideTroubles;
  /** For each packet that became durable: milliseconds since its first event arrived. */
  latenciesMs: number[];
}

export type FromPassage =
  | { kind: 'ready' }
  | { kind: 'progress'; progress: Progress }
  /** A step failed and will be tried again from the last commit. */
  | { kind: 'trouble'; message: string };
