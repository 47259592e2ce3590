/** The messages of `/watch`, parsed at the edge: what has another shape than expected is `other`. */
export type LiveMessage =
  | { type: 'received'; sourceId: string; count: number; eventIds: string[] }
  | CertifiedMessage
  | { type: 'quarantined'; stream: string; sourceId: string; eventId: string; reasons: string[] }
  | { type: 'anchored'; stream: string; versionId: string; txid: string; height: number; chain: string }
  | { type: 'gap'; text: string }
  | { type: 'other' };

export interface CertifiedMessage {
  type: 'certified';
  eventId: string;
  sourceId: string;
  stream: string;
  leafIndex: number;
  versionId: string;
  normalized: unknown;
}

type Json = Record<string, unknown>;

export function parseMessage(data: string): LiveMessage {
  const message = parseObject(data);
  switch (message?.type) {
    case 'received':
      return {
        type: 'received',
        sourceId: text(message.sourceId),
        count: count(message.count),
        eventIds: texts(message.eventIds),
      };
    case 'certified':
      return certified(message);
    case 'quarantined': {
      const { stream, sourceId, eventId, reasons } = message;
      return {
        type: 'quarantined',
        stream: text(stream),
        sourceId: text(sourceId),
        eventId: text(eventId),
        reasons: texts(reasons),
      };
    }
    case 'anchored': {
      const { stream, versionId, txid, height, chain } = message;
      return {
        type: 'anchored',
        stream: text(stream),
        versionId: text(versionId),
        txid: text(txid),
        height: count(height),
        chain: text(chain),
      };
    }
    case 'gap':
      return { type: 'gap', text: describe(message) };
    default:
      return { type: 'other' };
  }
}

/** The certified event in a `certified` message, or in an item of the feed. */
export function certified(item: Json): CertifiedMessage {
  return {
    type: 'certified',
    eventId: text(item.eventId),
    sourceId: text(item.sourceId),
    stream: text(item.stream),
    leafIndex: count(item.leafIndex),
    versionId: text(item.versionId),
    normalized: item.normalized,
  };
}

/** The members of an object, or of its only interesting level, as `name value, name value`. */
export function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value ?? '');
  return Object.entries(value)
    .filter(([name]) => name !== 'type')
    .map(([name, member]) => `${name} ${typeof member === 'string' ? member : JSON.stringify(member)}`)
    .join(', ');
}

function parseObject(data: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    // Not JSON, so no message of ours; a feed must not end over it.
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}
