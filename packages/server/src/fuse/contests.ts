/** The contests of a stream that fuses: who says what about the same thing, until it is decided, and for a while after. */
import { hash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import type { AcceptedEvent, FusedInput, FusedRecord, Position, QuarantinedEvent } from '../event.ts';
import type { JsonObject, JsonValue } from '../json/parse.ts';
import { compilePath, type PathGetter } from '../json/path.ts';
import { formatTime } from '../json/time.ts';
import type { StreamConfig } from '../stream.ts';
import { decide } from './decide.ts';
import type { Candidate, Decision } from './decision.ts';
import { type Held, type HeldState, quarantinedFor, type Recall, stateOf } from './held.ts';
import type { FusionPolicy } from './policy.ts';
import { Reputation } from './reputation.ts';
import type { Spans } from './spans.ts';

/** A fused leaf names all candidates and has room for so many. */
export const MAX_CANDIDATES = 256;
/** Decided contests that are remembered, so that late events can correct them. */
const MAX_DECIDED = 20_000;

export interface Contest {
  id: string;
  eventId: string;
  key: JsonValue;
  /** Bucket's start, or time of the first candidate. */
  start: number;
  /** What the watermark has to reach for the decision to be made. */
  release: number;
  members: Held<AcceptedEvent>[];
}

/** A contest that has been decided, as far as it takes to decide it anew. */
interface Decided {
  start: number;
  release: number;
  /** undefined where all candidates went into quarantine. */
  decision: string | undefined;
  positions: Position[];
}

type Input = Candidate & Pick<AcceptedEvent, 'position' | 'notes'>;

export interface ContestsState {
  reputation: Record<string, [number, number]>;
  forgotten: number | null;
  open: { key: JsonValue; start: number; release: number; members: HeldState[] }[];
  decided: [id: string, start: number, release: number, decision: string | null, positions: Position[]][];
}

export class Contests {
  readonly #stream: string;
  readonly #policy: FusionPolicy;
  readonly #policyHash: string;
  readonly #trust: Readonly<Record<string, number>>;
  readonly #spans: Spans;
  readonly #recall: Recall;
  readonly #key: PathGetter[] | undefined;
  /** Contests are told apart in the same way where this is the same. */
  readonly #division: string;
  readonly #open = new Map<string, Contest>();
  readonly #decided = new Map<string, Decided>();
  #reputation: Reputation;
  /** Contests that were to be decided by this mark may have been forgotten. */
  #forgotten: number | undefined;

  constructor(config: StreamConfig & { fusion: FusionPolicy }, spans: Spans, recall: Recall) {
    this.#stream = config.id;
    this.#policy = config.fusion;
    this.#policyHash = hash('sha256', canonicalize(config.fusion), 'hex');
    this.#trust = config.trust ?? {};
    this.#spans = spans;
    this.#recall = recall;
    this.#key = config.fusion.key?.map(compilePath);
    this.#division = canonicalize([config.fusion.key ?? null, config.fusion.bucketMs ?? null]);
    this.#reputation = new Reputation();
  }

  /** Goes on with what the contests under the former configuration leave behind. */
  takeOver(former: Contests): void {
    this.#reputation = former.#reputation;
    if (this.#division !== former.#division) return;
    this.#forgotten = former.#forgotten;
    for (const [id, contest] of former.#open) this.#open.set(id, contest);
    for (const [id, decided] of former.#decided) this.#decided.set(id, decided);
  }

  /**
   * Gives an event its place among the candidates.
   * @returns `opened` when there was no contest for it; `full` or `forgotten` where there is no place
   */
  enter(held: Held<AcceptedEvent>, mark: number | undefined): { opened: Contest } | 'joined' | 'full' | 'forgotten' {
    const key = this.#keyOf(held.event);
    const start = this.#spans.bucket(held.time);
    const id = this.#idOf(key, start);
    const open = this.#open.get(id);
    const decided = this.#decided.get(id);
    if ((open?.members.length ?? 0) + (decided?.positions.length ?? 0) >= MAX_CANDIDATES) return 'full';
    if (open !== undefined) {
      open.members.push(held);
      return 'joined';
    }
    const release = this.#spans.release(held.time);
    const late = mark !== undefined && release <= mark;
    if (late && decided === undefined && this.#forgotten !== undefined && release <= this.#forgotten)
      return 'forgotten';
    return { opened: this.#openContest(key, decided?.start ?? start, release, [held]) };
  }

  /** Decides a contest: one fused record, or its new candidates held back. */
  decide(contest: Contest): QuarantinedEvent[] | [FusedRecord] {
    this.#open.delete(contest.id);
    const earlier = this.#decided.get(contest.id);
    const candidates = this.#candidates(contest, earlier);
    const bucket = this.#bucket(contest.start);
    const decision = decide(
      { stream: this.#stream, key: contest.key, bucket, candidates, supersedes: earlier?.decision },
      this.#policy,
      this.#policyHash,
      (source) => ({ trust: this.#trust[source] ?? 1, reputation: this.#reputation.of(source) }),
    );
    // A correction says nothing new of those who were counted when it was decided first.
    if (earlier === undefined && decision.outcome === 'resolved') this.#reputation.saw(decision);
    if (decision.outcome === 'quarantined') {
      this.#remember(contest, earlier?.decision, candidates);
      return this.#heldBack(contest, decision);
    }
    const record = this.#record(contest, bucket, candidates, decision, earlier);
    this.#remember(contest, record.decision, candidates);
    return [record];
  }

  /**
   * An operator has had a word on an event that was held back for want of a quorum: it is no candidate any more.
   * @returns false when late events have brought the quorum about meanwhile, and it is part of the decision
   */
  withdraw(position: Position): boolean {
    for (const { positions, decision } of this.#decided.values()) {
      const place = positions.indexOf(position);
      if (place < 0) continue;
      if (decision !== undefined) return false;
      positions.splice(place, 1);
    }
    return true;
  }

  /** Decisions that can still be corrected. */
  get remembered(): number {
    return this.#decided.size;
  }

  state(): ContestsState {
    return {
      reputation: this.#reputation.state(),
      forgotten: this.#forgotten ?? null,
      open: [...this.#open.values()].map(({ key, start, release, members }) => ({
        ...{ key, start, release },
        members: members.map(stateOf),
      })),
      decided: [...this.#decided].map(([id, { start, release, decision, positions }]) => [
        id,
        start,
        release,
        decision ?? null,
        positions,
      ]),
    };
  }

  /**
   * @param members of each open contest, in the order of the state
   * @returns the open contests
   */
  restore(state: ContestsState, members: readonly Held[][]): Contest[] {
    this.#reputation = new Reputation(state.reputation);
    this.#forgotten = state.forgotten ?? undefined;
    for (const [id, start, release, decision, positions] of state.decided) {
      this.#decided.set(id, { start, release, decision: decision ?? undefined, positions });
    }
    for (const [place, { key, start, release }] of state.open.entries()) {
      const accepted = (members[place] ?? []).filter((held) => held.event.kind === 'record');
      this.#openContest(key, start, release, accepted as Held<AcceptedEvent>[]);
    }
    return [...this.#open.values()];
  }

  #openContest(key: JsonValue, start: number, release: number, members: Held<AcceptedEvent>[]): Contest {
    const id = this.#idOf(key, start);
    const eventId = hash('sha256', canonicalize([this.#stream, key, this.#bucket(start)]), 'hex').slice(0, 32);
    const contest = { id, eventId, key, start, release, members };
    this.#open.set(id, contest);
    return contest;
  }

  #bucket(start: number): string | null {
    return this.#policy.bucketMs === undefined ? null : formatTime(start);
  }

  #keyOf(event: AcceptedEvent): JsonValue {
    if (this.#key === undefined)
      return (event.externalId && (JSON.parse(event.externalId) as JsonValue)) ?? event.eventId;
    const payload = JSON.parse(event.payload) as JsonObject;
    const values = this.#key.map((get) => get(payload) ?? null);
    return values.every((value) => value === null) ? event.eventId : values;
  }

  #idOf(key: JsonValue, start: number): string {
    const text = canonicalize(key);
    return this.#policy.bucketMs === undefined ? text : `${start} ${text}`;
  }

  /** All of them, earlier ones too, sorted by source and seq. */
  #candidates(contest: Contest, earlier: Decided | undefined): Input[] {
    const before = earlier === undefined ? [] : this.#recall(earlier.positions).map(({ event }) => event);
    const accepted = before.filter((event) => event.kind === 'record');
    return [...accepted, ...contest.members.map(({ event }) => event)].sort((a, b) =>
      a.source === b.source ? a.seq - b.seq : a.source < b.source ? -1 : 1,
    );
  }

  #record(
    contest: Contest,
    bucket: string | null,
    candidates: readonly Input[],
    { audit, conflict, payload = 'null' }: Decision,
    earlier: Decided | undefined,
  ): FusedRecord {
    const placed = new Set(earlier?.positions);
    return {
      kind: 'fused',
      eventId: contest.eventId,
      eventTime: bucket ?? formatTime(contest.start),
      inputs: candidates.map(
        ({ position, source, seq, rawHash, policyHash, notes }): FusedInput => ({
          ...{ position, source, seq, rawHash, policyHash },
          placed: placed.has(position),
          ...(notes === undefined ? {} : { notes }),
        }),
      ),
      policyHash: this.#policyHash,
      audit,
      decision: hash('sha256', audit, 'hex'),
      conflict,
      supersedes: earlier?.decision,
      payload,
      payloadHash: hash('sha256', payload, 'hex'),
    };
  }

  #remember({ id, start, release }: Contest, decision: string | undefined, candidates: { position: Position }[]): void {
    // Set anew, so that what was decided last is forgotten last.
    this.#decided.delete(id);
    this.#decided.set(id, { start, release, decision, positions: candidates.map(({ position }) => position) });
    if (this.#decided.size <= MAX_DECIDED) return;
    const [[oldest, forgotten]] = this.#decided as Iterable<[string, Decided]> as [[string, Decided]];
    this.#decided.delete(oldest);
    this.#forgotten = Math.max(this.#forgotten ?? forgotten.release, forgotten.release);
  }

  /** The reason names the audit entry, which so is committed to the log as that of any other decision. */
  #heldBack(contest: Contest, { audit, conflict }: Decision): QuarantinedEvent[] {
    const decision = hash('sha256', audit, 'hex');
    return contest.members.map(({ event }, place) => ({
      ...quarantinedFor(event, `no-quorum:${decision}`),
      ...(place === 0 ? { contest: { eventId: contest.eventId, decision, audit, conflict } } : {}),
    }));
  }
}

/** The events of the open contests, each contest's by themselves. */
export function heldBy(contests: ContestsState | null): HeldState[][] {
  return contests?.open.map(({ members }) => members) ?? [];
}
