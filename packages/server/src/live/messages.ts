/** What watchers see, made from the journal and the ledger: the same entries always give the same messages. */
import type { Leaf } from '@tidemark/proof';
import type { Line, PacketLines } from '../read/lines.ts';
import type { EventsEntry } from '../store/journal.ts';
import type { LedgerEntry, LedgerPosition, LedgerReader, PacketRow } from '../store/ledger.ts';

export const MESSAGE_TYPES = ['received', 'normalized', 'certified', 'quarantined', 'anchored'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

export interface Message {
  readonly type: MessageType;
  readonly stream: string;
  /** Undefined where a message is about a whole packet. */
  readonly source: string | undefined;
  /** The reader's place in the journal or the ledger after this message. */
  readonly position: number;
  /** JSON text. */
  readonly text: string;
}

/** Written out when the first reader wants it, and then kept: most readers want one type of several. */
class LedgerMessage implements Message {
  readonly type: MessageType;
  readonly stream: string;
  readonly source: string | undefined;
  readonly position: LedgerPosition;
  readonly #write: () => string;
  #text: string | undefined;

  constructor(type: MessageType, stream: string, source: string, position: LedgerPosition, write: () => string) {
    this.type = type;
    this.stream = stream;
    this.source = source;
    this.position = position;
    this.#write = write;
  }

  get text(): string {
    this.#text ??= this.#write();
    return this.#text;
  }
}

export function receivedMessage(entry: EventsEntry): Message {
  const { source, stream, events } = entry;
  const eventIds = Array.from({ length: events.count }, (_, index) => events.eventId(index));
  const text = JSON.stringify({ type: 'received', sourceId: source, stream, count: events.count, eventIds });
  return { type: 'received', stream, source, position: entry.first + events.count - 1, text };
}

/** Messages of some consecutive positions. */
export interface Part {
  first: number;
  last: number;
  list: Message[];
}

/** Positions made into messages at a time: a packet may be too large to be held whole for one reader. */
const PART_LEAVES = 500;

/** Ledger positions of a packet of n leaves: n for what was normalized or quarantined, then n for what is certified. */
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
    const { first, packet } = entry;
    const leaves = packet.end - packet.start;
    const base = position < first + leaves ? first : first + leaves;
    const from = position - base;
    const to = Math.min(leaves, from + PART_LEAVES);
    const lines = this.#lines.range(packet, packet.start + from, packet.start + to);
    const message = (line: Line, at: LedgerPosition) =>
      base === first ? this.#normalized(packet, line, at) : certified(packet, line, at);
    const list = lines.flatMap((line, place) => message(line, position + place) ?? []);
    return { first: position, last: base + to - 1, list };
  }

  #normalized(packet: PacketRow, line: Line, position: LedgerPosition): Message | undefined {
    if (line.leaf.kind === 'record') return normalizedMessage(packet, line.leaf, line.payload, position);
    if (line.leaf.kind !== 'quarantined') return undefined;
    return quarantinedMessage(packet, line, line.leaf, this.#reasons(packet.stream, line), position);
  }

  #reasons(stream: string, line: Line): string[] {
    const position = this.#ledger.positionOfLeaf(stream, line.index);
    return (position === undefined ? undefined : this.#ledger.reasons(position)) ?? [];
  }
}

type RecordLeaf = Extract<Leaf, { kind: 'record' }>;
type QuarantinedLeaf = Extract<Leaf, { kind: 'quarantined' }>;

function normalizedMessage(
  { stream }: PacketRow,
  { source, seq, eventId, eventTime }: RecordLeaf,
  payload: string | undefined,
  position: LedgerPosition,
): Message {
  return new LedgerMessage('normalized', stream, source, position, () =>
    withPayload({ type: 'normalized', eventId, stream, sourceId: source, seq, eventTime }, payload),
  );
}

function certifiedMessage(
  { stream, start, end, versionId }: PacketRow,
  { index, payload }: Line,
  { source, seq, eventId, eventTime, payloadHash }: RecordLeaf,
  position: LedgerPosition,
): Message {
  return new LedgerMessage('certified', stream, source, position, () => {
    const event = { eventId, stream, sourceId: source, seq, eventTime };
    const proof = { leafIndex: index, packet: { start, end }, versionId, contentHash: payloadHash };
    return withPayload({ type: 'certified', ...event, ...proof }, payload);
  });
}

function certified(packet: PacketRow, line: Line, position: LedgerPosition): Message | undefined {
  return line.leaf.kind === 'record' ? certifiedMessage(packet, line, line.leaf, position) : undefined;
}

/** The payload is JSON text already, and goes in as it is. */
function withPayload(message: object, payload: string | undefined): string {
  const text = JSON.stringify(message);
  return payload === undefined ? text : `${text.slice(0, -1)},"normalized":${payload}}`;
}

function quarantinedMessage(
  { stream, start, end, versionId }: PacketRow,
  { index }: Line,
  { source, seq, eventId, eventTime }: QuarantinedLeaf,
  reasons: string[],
  position: LedgerPosition,
): Message {
  const event = { eventId, stream, sourceId: source, seq, eventTime };
  const proof = { leafIndex: index, packet: { start, end }, versionId };
  const text = JSON.stringify({ type: 'quarantined', ...event, ...proof, reasons });
  return { type: 'quarantined', stream, source, position, text };
}

function anchoredMessage({ first, anchor, packet }: Extract<LedgerEntry, { kind: 'anchor' }>): Message {
  const { stream, versionId, txid, height, chain } = anchor;
  const bounds = { start: packet.start, end: packet.end };
  const text = JSON.stringify({ type: 'anchored', stream, packet: bounds, versionId, txid, height, chain });
  return { type: 'anchored', stream, source: undefined, position: first, text };
}
