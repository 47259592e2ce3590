/** The event that a route names, in one of its versions or all. */
import type { Position } from '../event.ts';
import { type EventReader, type EventRecord, seqOf } from '../read/events.ts';
import { type FusedReader, type FusedVersion, newestFused } from '../read/fused.ts';
import type { Line } from '../read/lines.ts';
import type { PacketRow } from '../store/ledger.ts';
import { badRequest, notFound, Problem } from './problem.ts';
import { integer, type Query } from './query.ts';

const EVENT_ID = /^[0-9a-f]{32}$/;

/** What an id is of: an event that a source sent, or what several sources said, decided. */
export type Found =
  | { kind: 'event'; versions: EventRecord[]; selected: EventRecord }
  | { kind: 'fused'; versions: FusedVersion[]; selected: FusedVersion };

export class EventVersions {
  readonly #events: EventReader;
  readonly #fused: FusedReader;
  readonly #find: (eventId: string) => Promise<Position[] | undefined>;

  /** @param find positions of all versions of an event, oldest first; undefined when the journal cannot be asked now */
  constructor(events: EventReader, fused: FusedReader, find: (eventId: string) => Promise<Position[] | undefined>) {
    this.#events = events;
    this.#fused = fused;
    this.#find = find;
  }

  /**
   * All versions, oldest first; of those selected is the one that `seq` names, without it the newest.
   * @param mayRead of other streams, it is not said that there is anything
   * @throws Problem 400, 404, 503
   */
  async find(eventId: string, query: Query, mayRead: (stream: string) => boolean = () => true): Promise<Found> {
    if (!EVENT_ID.test(eventId)) throw badRequest('an event id is 32 lower-case hex digits, as the intake answers it');
    const positions = await this.#find(eventId);
    if (positions === undefined) {
      throw new Problem(503, 'storage-unavailable', 'the journal cannot be asked now; try again', { retryAfter: 1 });
    }
    const versions = positions.flatMap((position) => this.#events.record(position) ?? []);
    const newest = versions.at(-1);
    if (newest === undefined) return this.#findFused(eventId, query, mayRead);
    if (!mayRead(newest.entry.stream)) throw noSuchEvent();
    return { kind: 'event', versions, selected: query.seq === undefined ? newest : bySeq(versions, query) };
  }

  #findFused(eventId: string, query: Query, mayRead: (stream: string) => boolean): Found {
    const versions = this.#fused.versions(eventId);
    const selected = newestFused(versions);
    if (selected === undefined || !mayRead(selected.packet.stream)) throw noSuchEvent();
    if (query.seq !== undefined) throw badRequest('"seq" is for what one source sent; a fused record has none');
    return { kind: 'fused', versions, selected };
  }
}

/** The leaf that holds what was selected; undefined until it is in a sealed packet. */
export function leafOf({ kind, selected }: Found): { line: Line; packet: PacketRow } | undefined {
  return kind === 'fused' ? selected : selected.certified;
}

function noSuchEvent(): Problem {
  return notFound('there is no event with this id');
}

function bySeq(versions: readonly EventRecord[], query: Query): EventRecord {
  const seq = integer(query, 'seq', 0, 1, Number.MAX_SAFE_INTEGER);
  const version = versions.find((record) => seqOf(record) === seq);
  if (version === undefined) throw notFound(`the event has no version with seq ${seq}`);
  return version;
}
