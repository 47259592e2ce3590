/** What the tests of the tracker share. */
import { DatabaseSync } from 'node:sqlite';
import {
  LIFECYCLE_CHANNELS,
  type LifecycleEvent,
  memoryTrackerStore,
  sqliteTrackerStore,
  type TrackerStore,
} from '../../src/index.ts';

export class HandlerError extends Error {
  readonly code = 'handler';
}

export function gateOpen(batchTag: string): LifecycleEvent {
  return { event: 'gate.open', batch_tag: batchTag, spool: '/data', bytes: 5, count: 2, pii: false, ts: 10 };
}

export function gateDone(batchTag: string): LifecycleEvent {
  return { event: 'gate.done', batch_tag: batchTag, status: 'success', processed: 7, pii: false, ts: 20 };
}

export function embedStart(batchTag: string): LifecycleEvent {
  return { event: 'embed.start', batch_tag: batchTag, pii: false, ts: 30 };
}

/** On which channel it goes, and its text. */
export function messageOf(event: LifecycleEvent): [channel: string, message: string] {
  return [LIFECYCLE_CHANNELS[event.event], JSON.stringify(event)];
}

/** Each store, empty. */
export const STORES: Readonly<Record<string, () => TrackerStore>> = {
  memory: () => memoryTrackerStore() as TrackerStore,
  sqlite: () => sqliteTrackerStore(new DatabaseSync(':memory:')) as TrackerStore,
};
