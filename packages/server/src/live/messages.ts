/** What watchers see, made from the journal and the ledger: the same entries always give the same messages. */
import type { Leaf } from '@tidemark/proof';
import type { JsonObject } from '../json/parse.ts';
import type { Line, PacketLines } from '../read/lines.ts';
import type { EventsEntry } from '../store/journal.ts';
import type { LedgerEntry, LedgerPosition, LedgerReader, PacketRow } from '../store/ledger.ts';

export const MESSAGE_TYPES = ['received', 'normalized', 'certified', 'quarantined', 'anchored'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

export interface Message {
  type: MessageType;
  stream: string;
  /** Undefined where a message is about a whole packet. */
  source: string | undefined;
  /** The reader's place in the journal or the ledger after this message. */
  position: number;
  /** JSON text. */
  text: string;
}

export function receivedMessage(entry: EventsEntry): Message {
  const { source, stream, events } = entry;
  const eventIds = Array.from({ length: events.count }, (_, index) => events.eventId(index));
  const text = JSON.stringify({ type: 'received', sourceId: source, stream, count: events.count, eventIds });
  return { type: 'received', stream, source, position: entry.first + events.count - 1, text };
}

/** Ledger positions of a packet of n leaves: n for what was normalized or quarantined, then n for what is certified. */
export class LedgerMessages {
  readonly #ledger: LedgerReader;
  readonly #lines: PacketLines;

  constructor(ledger: LedgerReader, lines: PacketLines) {
    this.#ledger = ledger;
    this.#lines = lines;
  }

  of(entry: LedgerEntry): Message[] {
    return entry.kind === 'anchor' ? [anchoredMessage(entry)] : this.#ofPacket(entry);
  }

  #ofPacket({ first, packet }: Extract<LedgerEntry, { kind: 'packet' }>): Message[] {
    const leaves = packet.end - packet.start;
    const lines = this.#lines.range(packet, packet.start, packet.end);
    const normalized: Message[] = [];
    const certified: Message[] = [];
    for (const [place, line] of lines.entries()) {
      if (line.leaf.kind === 'record') {
        normalized.push(normalizedMessage(packet, line.leaf, line.payload, first + place));
        certified.push(certifiedMessage(packet, line, line.leaf, first + leaves + place));
      } else if (line.leaf.kind === 'quarantined') {
        const reasons = this.#reasons(packet.stream, line);
        normalized.push(quarantinedMessage(packet, line, line.leaf, reasons, first + place));
      }
    }
    return [...normalized, ...certified];
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
  normalized: JsonObject | undefined,
  position: LedgerPosition,
): Message {
  const text = JSON.stringify({ type: 'normalized', eventId, stream, sourceId: source, seq, eventTime, normalized });
  return { type: 'normalized', stream, source, position, text };
}

function certifiedMessage(
  { stream, start, end, versionId }: PacketRow,
  { index, payload }: Line,
  { source, seq, eventId, eventTime, payloadHash }: RecordLeaf,
  position: LedgerPosition,
): Message {
  const event = { eventId, stream, sourceId: source, seq, eventTime };
  const proof = { leafIndex: index, packet: { start, end }, versionId, contentHash: payloadHash };
  const text = JSON.stringify({ type: 'certified', ...event, ...proof, normalized: payload });
  return { type: 'certified', stream, source, position, text };
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
