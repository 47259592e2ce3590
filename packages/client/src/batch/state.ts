/** What a batch has come to, as a function of the events that are known of it: their order changes nothing. */
import type { EmbedDone, EmbedStart, GateDone, GateOpen, LifecycleEvent } from './events.ts';

export type BatchState = 'open' | 'ingested' | 'failed' | 'embedding' | 'embedded';

/** What no event has said so far is null. Times are Unix seconds, as the events have them. */
export interface TrackedBatch {
  batchTag: string;
  /** `failed` where the last step that ended did; `status` and `embedStatus` say which. */
  state: BatchState;
  /** True as soon as one event says so. */
  pii: boolean;
  spool: string | null;
  bytes: number | null;
  /** Of files. */
  count: number | null;
  openedAt: number | null;
  status: 'success' | 'failed' | null;
  processed: number | null;
  versionId: string | null;
  stream: string | null;
  doneAt: number | null;
  embedStartedAt: number | null;
  embedStatus: 'success' | 'failed' | null;
  embedded: number | null;
  embeddedAt: number | null;
}

/** @param events of one batch, in any order; of several of a name, the first counts */
export function batchState(batchTag: string, events: readonly LifecycleEvent[]): TrackedBatch {
  const open = find<GateOpen>(events, 'gate.open');
  const done = find<GateDone>(events, 'gate.done');
  const start = find<EmbedStart>(events, 'embed.start');
  const embedded = find<EmbedDone>(events, 'embed.done');
  return {
    batchTag,
    state: stateOf(done, start, embedded),
    pii: [open, done, start, embedded].some((event) => event?.pii === true),
    spool: open?.spool ?? null,
    bytes: open?.bytes ?? null,
    count: open?.count ?? null,
    openedAt: open?.ts ?? null,
    status: done?.status ?? null,
    processed: done?.processed ?? null,
    versionId: done?.version_id ?? null,
    stream: done?.stream ?? null,
    doneAt: done?.ts ?? null,
    embedStartedAt: start?.ts ?? null,
    embedStatus: embedded?.status ?? null,
    embedded: embedded?.embedded ?? null,
    embeddedAt: embedded?.ts ?? null,
  };
}

/** The furthest step counts, whatever came before it or is still to come. */
function stateOf(
  done: GateDone | undefined,
  start: EmbedStart | undefined,
  embedded: EmbedDone | undefined,
): BatchState {
  if (embedded !== undefined) return embedded.status === 'success' ? 'embedded' : 'failed';
  if (start !== undefined) return 'embedding';
  if (done !== undefined) return done.status === 'success' ? 'ingested' : 'failed';
  return 'open';
}

function find<T extends LifecycleEvent>(events: readonly LifecycleEvent[], name: T['event']): T | undefined {
  return events.find((event): event is T => event.event === name);
}
