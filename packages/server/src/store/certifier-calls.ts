/** Calls of the certifier's webhook: one a packet, until it is answered or given up. */
import type { LedgerPosition } from './ledger.ts';

export interface CertifierCall {
  versionId: string;
  /** `dead`: given up; an operator may have it tried again. */
  state: 'pending' | 'dead';
  /** Failures so far. */
  attempts: number;
  /** Milliseconds since 1970; not before then. */
  dueAt: number;
  /** What came of the last attempt. */
  reason: string | undefined;
}

export interface CertifierCallReader {
  /** Pending calls that are due, the longest first. */
  due(now: number, limit: number): CertifierCall[];
  one(versionId: string): CertifierCall | undefined;
  /** Those that were given up. @param after versionId of the last one seen */
  dead(after: string | undefined, limit: number): CertifierCall[];
  /** The first ledger position that has not been looked at; undefined before the first call. */
  next(): LedgerPosition | undefined;
}

/** Each call is one atomic commit. */
export interface CertifierCallWriter {
  /** These packets are to be called for; everything below `next` has been looked at. */
  enqueue(versionIds: readonly string[], next: LedgerPosition, now: number): void;
  /** Answered: there is nothing left to do. */
  done(versionId: string): void;
  /** Failed: again later, or given up. */
  failed(call: CertifierCall): void;
}
