/** Events on their way through the order & fuse stage. */
import type { AcceptedEvent, NormalizedEvent, Position, QuarantinedEvent } from '../event.ts';

export interface Held<E extends NormalizedEvent = NormalizedEvent> {
  event: E;
  /** Event time by which it is ordered, milliseconds since 1970. */
  time: number;
  /** When it arrived. */
  at: number;
}

/** An event of the journal as it came out of normalization, with its arrival. */
export interface Recalled {
  event: NormalizedEvent;
  at: number;
}

/** In the order asked for. */
export type Recall = (positions: readonly Position[]) => Recalled[];

/** The order of leaves in streams that sort: event time, source, event id, seq. */
export function precedes(a: Held, b: Held): boolean {
  if (a.time !== b.time) return a.time < b.time;
  if (a.event.source !== b.event.source) return a.event.source < b.event.source;
  if (a.event.eventId !== b.event.eventId) return a.event.eventId < b.event.eventId;
  return a.event.seq < b.event.seq;
}

export function quarantinedFor(event: AcceptedEvent, ...reasons: string[]): QuarantinedEvent {
  const { position, source, seq, eventId, eventTime, rawHash, policyHash, supersedes } = event;
  const common = { position, source, seq, eventId, eventTime, rawHash, policyHash, supersedes };
  return { ...common, kind: 'quarantined', reasons };
}

/** A reason for which the event's time cannot be relied on. */
export function isAboutTime(reason: string): boolean {
  return reason.startsWith('time-invalid:') || reason.startsWith('future:');
}

export function timeOf({ eventTime }: NormalizedEvent): number {
  return Date.parse(eventTime);
}

/** A held event as a restart finds it again: by its position, with what the stage has found out about it. */
export interface HeldState {
  position: Position;
  time: number;
  /** Why the stage refused an event that its policy accepts. */
  refused?: string[];
  notes?: string[];
}

export function stateOf({ event, time }: Held): HeldState {
  const { position } = event;
  if (event.kind === 'quarantined') return { position, time, refused: event.reasons };
  return event.notes === undefined ? { position, time } : { position, time, notes: event.notes };
}

/** Held events as they were before a restart, list by list. */
export function revive(recall: Recall, lists: readonly (readonly HeldState[])[]): Held[][] {
  const recalled = recall(lists.flat().map(({ position }) => position));
  let next = 0;
  return lists.map((list) => list.map((state) => revived(state, recalled[next++]!)));
}

function revived({ time, refused, notes }: HeldState, { event, at }: Recalled): Held {
  if (event.kind === 'quarantined') return { event, time, at };
  if (refused !== undefined) return { event: { ...quarantinedFor(event), reasons: refused }, time, at };
  return { event: notes === undefined ? event : { ...event, notes }, time, at };
}
