/** The event that a route names, in one of its versions or all. */
import type { Position } from '../event.ts';
import type { EventReader, EventRecord } from '../read/events.ts';
import { badRequest, notFound, Problem } from './problem.ts';
import { integer, type Query } from './query.ts';

const EVENT_ID = /^[0-9a-f]{32}$/;

export class EventVersions {
  readonly #events: EventReader;
  readonly #find: (eventId: string) => Promise<Position[] | undefined>;

  /** @param find positions of all versions of an event, oldest first; undefined when the journal cannot be asked now */
  constructor(events: EventReader, find: (eventId: string) => Promise<Position[] | undefined>) {
    this.#events = events;
    this.#find = find;
  }

  /**
   * Oldest first, at least one.
   * @throws Problem 400, 404, 503
   */
  async all(eventId: string): Promise<EventRecord[]> {
    if (!EVENT_ID.test(eventId)) throw badRequest('an event id is 32 lower-case hex digits, as the intake answers it');
    const positions = await this.#find(eventId);
    if (positions === undefined) {
      throw new Problem(503, 'storage-unavailable', 'the journal cannot be asked now; try again', { retryAfter: 1 });
    }
    if (positions.length === 0) throw notFound('there is no event with this id');
    return positions.map((position) => this.#events.record(position)).filter((record) => record !== undefined);
  }

  /** The one that `seq` names, without it the newest. */
  select(versions: readonly EventRecord[], query: Query): EventRecord {
    const newest = versions.at(-1);
    if (query.seq === undefined && newest !== undefined) return newest;
    const seq = integer(query, 'seq', 0, 1, Number.MAX_SAFE_INTEGER);
    const version = versions.find((record) => seqOf(record) === seq);
    if (version === undefined) throw notFound(`the event has no version with seq ${seq}`);
    return version;
  }
}

/** The source's count of this version, from 1. */
export function seqOf({ entry, place }: EventRecord): number {
  return entry.seq + place;
}
