/** What watchers see, made from the journal and the ledger: the same entries always give the same messages. */
import type { FusedLeaf, QuarantinedLeaf, RecordLeaf } from '@tidemark/proof';
import { parseAudit, sourcesOf, winnerOf } from '../read/audit.ts';
import type { Line, PacketLines } from '../read/lines.ts';
import { StoreError } from '../store/errors.ts';
import type { EventsEntry } from '../store/journal.ts';
import type { DecisionRow, LedgerEntry, LedgerPosition, LedgerReader, PacketRow } from '../store/ledger.ts';

export const MESSAGE_TYPES = ['received', 'normalized', 'conflict', 'certified', 'quarantined', 'anchored'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

export interface Message {
  readonly type: MessageType;
  readonly stream: string;
  /** Several where they were fused; none where a message is about a whole packet. */
  readonly sources: readonly string[];
  /** The reader's place in the journal or the ledger after this message: no other message has the same. */
  readonly position: number;
  /** JSON text. */
  readonly text: string;
  /** The same, parsed: what filters look at. */
  readonly body: Readonly<Record<string, unknown>>;
  /** It stands for many events: what is said of payloads does not apply to it. */
  readonly withoutPayload: boolean;
}

/** Written out, and read again, when the first reader wants it, and then kept: most readers want one type of several. */
class WrittenMessage implements Message {
  readonly type: MessageType;
  readonly stream: string;
  readonly sources: readonly string[];
  readonly position: LedgerPosition;
  readonly #write: () => string;
  #text: string | undefined;
  #body: Readonly<Record<string, unknown>> | undefined;

  constructor(
    type: MessageType,
    stream: string,
    sources: readonly string[],
    position: LedgerPosition,
    write: () => string,
  ) {
    this.type = type;
    this.stream = stream;
    this.sources = sources;
    this.position = position;
    this.#write = write;
  }

  get text(): string {
    this.#text ??= this.#write();
    return this.#text;
  }

  get withoutPayload(): boolean {
    return this.type === 'received' || this.type === 'anchored';
  }

  get body(): Readonly<Record<string, unknown>> {
    this.#body ??= JSON.parse(this.text) as Record<string, unknown>;
    return this.#body;
  }
}

export function receivedMessage(entry: EventsEntry): Message {
  const { source, stream, events } = entry;
  return new WrittenMessage('received', stream, [source], entry.first + events.count - 1, () => {
    const eventIds = Array.from({ length: events.count }, (_, index) => events.eventId(index));
    return JSON.stringify({ type: 'received', sourceId: source, stream, count: events.count, eventIds });
  });
}

/** Messages of some consecutive positions. */
export interface Part {
  first: number;
  last: number;
  list: Message[];
  /** After the last of these positions, every leaf of this stream's log below `leaf` has been told of as certified. */
  told?: { stream: string; leaf: number };
}

/** Whether there is anybody to be told of this. */
export type Wants = (type: MessageType, stream: string) => boolean;

/** Positions made into messages at a time: a packet may be too large to be held whole for one reader. */
const PART_LEAVES = 500;
const PART_BYTES = 1024 * 1024;
/** Audit entries are large, and there is one for each. */
const PART_CONFLICTS = 50;

/**
 * Ledger positions of a packet of n leaves in which c conflicts were decided: n for what was normalized or quarantined,
 * c for the conflicts, n for what is certified. None stands for two messages: a reader that comes back with a cursor has
 * seen all or nothing of its position.
 */
export class LedgerMessages {
  readonly #ledger: LedgerReader;
  readonly #lines: PacketLines;

  constructor(ledger: LedgerReader, lines: PacketLines) {
    this.#ledger = ledger;
    this.#lines = lines;
  }

  /** The messages from `position` on, which lies within the entry; not all of them, if there are many. */
  part(entry: LedgerEntry, position: LedgerPosition): Part {
    if (entry.kind === 'anchor') return { first: entry.first, last: entry.first, list: [anchoredMessage(entry)] };
    const { first, count, packet } = entry;
    const leaves = packet.end - packet.start;
    const conflicts = first + leaves;
    const certified = first + count - leaves;
    if (position < conflicts) {
      return this.#leaves(packet, first, position, (line, at) => this.#normalized(packet, line, at));
    }
    if (position < certified) return this.#conflicts(packet, position - conflicts, position, certified);
    const part = this.#leaves(packet, certified, position, (line, at) => this.#certified(packet, line, at));
    return { ...part, told: { stream: packet.stream, leaf: packet.start + part.last + 1 - certified } };
  }

  /** @param base position of the packet's first leaf */
  /**
   * What need not be made into messages: positions of the entry from this one on that tell nothing of what is wanted.
   * @returns undefined if there may be something to tell at this position
   */
  unwanted(entry: LedgerEntry, position: LedgerPosition, wants: Wants): Part | undefined {
    const { first, count, packet } = entry;
    const { stream } = packet;
    const passed = (last: LedgerPosition): Part => ({ first: position, last, list: [] });
    const end = first + count - 1;
    if (entry.kind === 'anchor') return wants('anchored', stream) ? undefined : passed(end);
    const leaves = packet.end - packet.start;
    const certified = end + 1 - leaves;
    if (position < first + leaves) {
      return wants('normalized', stream) || wants('quarantined', stream) ? undefined : passed(first + leaves - 1);
    }
    if (position < certified) return wants('conflict', stream) ? undefined : passed(certified - 1);
    return wants('certified', stream) ? undefined : { ...passed(end), told: { stream, leaf: packet.end } };
  }

  #leaves(
    packet: PacketRow,
    base: LedgerPosition,
    position: LedgerPosition,
    message: (line: Line, position: LedgerPosition) => Message | undefined,
  ): Part {
    const from = position - base;
    const to = Math.min(packet.end - packet.start, from + PART_LEAVES);
    const lines = this.#lines.range(packet, packet.start + from, packet.start + to, PART_BYTES);
    const list = lines.flatMap((line, place) => message(line, position + place) ?? []);
    return { first: position, last: position + lines.length - 1, list };
  }

  #conflicts(packet: PacketRow, from: number, position: LedgerPosition, end: LedgerPosition): Part {
    const rows = this.#ledger.conflictsIn(packet, from, Math.min(PART_CONFLICTS, end - position));
    if (rows.length === 0) throw new StoreError('damaged', `a conflict in packet ${packet.versionId} is missing`);
    const list = rows.map((row, place) => conflictMessage(packet, row, position + place));
    return { first: position, last: position + rows.length - 1, list };
  }

  #normalized(packet: PacketRow, line: Line, position: LedgerPosition): Message | undefined {
    const { leaf, payload } = line;
    switch (leaf.kind) {
      case 'record':
        return normalizedMessage(packet, leaf, payload, position);
      case 'fused':
        return this.#fusedMessage('normalized', packet, leaf, payload, {}, position);
      case 'quarantined':
        return quarantinedMessage(packet, line, leaf, this.#reasons(packet.stream, line), position);
      default:
        return undefined;
    }
  }

  #certified(packet: PacketRow, line: Line, position: LedgerPosition): Message | undefined {
    const { leaf, payload, index } = line;
    if (leaf.kind === 'record') return certifiedMessage(packet, line, leaf, position);
    if (leaf.kind !== 'fused') return undefined;
    const proof = { ...placeOf(packet, index), contentHash: leaf.payloadHash };
    return this.#fusedMessage('certified', packet, leaf, payload, proof, position);
  }

  #fusedMessage(
    type: MessageType,
    { stream }: PacketRow,
    { inputs, eventId, eventTime, decision, supersedes }: FusedLeaf,
    payload: string | undefined,
    proof: object,
    position: LedgerPosition,
  ): Message {
    const sources = [...new Set(inputs.map(([source]) => source))];
    return new WrittenMessage(type, stream, sources, position, () => {
      const row = this.#ledger.decision(decision);
      if (row === undefined) throw new StoreError('damaged', `the decision ${decision} is missing`);
      const event = { eventId, stream, sourceId: winnerOf(parseAudit(row)), sources, eventTime };
      const fused = { decision, conflict: row.conflict, ...(supersedes === undefined ? {} : { supersedes }) };
      return withPayload({ type, ...event, ...proof, ...fused }, payload);
    });
  }

  #reasons(stream: string, line: Line): string[] {
    const position = this.#ledger.positionOfLeaf(stream, line.index);
    return (position === undefined ? undefined : this.#ledger.reasons(position)) ?? [];
  }
}

function placeOf({ start, end, versionId }: PacketRow, leafIndex: number): object {
  return { leafIndex, packet: { start, end }, versionId };
}

function normalizedMessage(
  { stream }: PacketRow,
  { source, seq, eventId, eventTime }: RecordLeaf,
  payload: string | undefined,
  position: LedgerPosition,
): Message {
  return new WrittenMessage('normalized', stream, [source], position, () =>
    withPayload({ type: 'normalized', eventId, stream, sourceId: source, seq, eventTime }, payload),
  );
}

function certifiedMessage(
  packet: PacketRow,
  { index, payload }: Line,
  { source, seq, eventId, eventTime, payloadHash }: RecordLeaf,
  position: LedgerPosition,
): Message {
  const { stream } = packet;
  return new WrittenMessage('certified', stream, [source], position, () => {
    const event = { eventId, stream, sourceId: source, seq, eventTime };
    return withPayload({ type: 'certified', ...event, ...placeOf(packet, index), contentHash: payloadHash }, payload);
  });
}

/** The payload is JSON text already, and goes in as it is. */
function withPayload(message: object, payload: string | undefined): string {
  const text = JSON.stringify(message);
  return payload === undefined ? text : `${text.slice(0, -1)},"normalized":${payload}}`;
}

/** Without the candidates' values, which may be long: the reason names those that differ, the audit trail has them all. */
function conflictMessage(packet: PacketRow, row: DecisionRow, position: LedgerPosition): Message {
  const { stream, leaf, eventId, decision: decisionId } = row;
  const audit = parseAudit(row);
  const sources = sourcesOf(audit);
  return new WrittenMessage('conflict', stream, sources, position, () => {
    const { key, bucket, rule, tieBreaker, winner, losers, outcome, reason, supersedes } = audit;
    const candidates = audit.candidates.map(({ source, seq, eventId, eventTime, contentHash }) => ({
      ...{ eventId, sourceId: source, seq, eventTime, contentHash },
    }));
    return JSON.stringify({
      ...{ type: 'conflict', decisionId, eventId, stream, sources, key, bucket, candidates },
      ...{ rule, tieBreaker, winner, losers, outcome, reason, supersedes },
      ...placeOf(packet, leaf),
    });
  });
}

function quarantinedMessage(
  packet: PacketRow,
  { index }: Line,
  { source, seq, eventId, eventTime }: QuarantinedLeaf,
  reasons: string[],
  position: LedgerPosition,
): Message {
  const { stream } = packet;
  return new WrittenMessage('quarantined', stream, [source], position, () => {
    const event = { eventId, stream, sourceId: source, seq, eventTime };
    return JSON.stringify({ type: 'quarantined', ...event, ...placeOf(packet, index), reasons });
  });
}

function anchoredMessage({ first, anchor, packet }: Extract<LedgerEntry, { kind: 'anchor' }>): Message {
  const { stream, versionId, txid, height, chain } = anchor;
  return new WrittenMessage('anchored', stream, [], first, () => {
    const bounds = { start: packet.start, end: packet.end };
    return JSON.stringify({ type: 'anchored', stream, packet: bounds, versionId, txid, height, chain });
  });
}
