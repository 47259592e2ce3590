/** What `/watch` says, and what of it this client relies on. */
import { isHex } from '@tidemark/proof';
import { ClientError } from './errors.ts';

interface Base {
  /**
   * The cursor behind this message: `since` takes it, over either transport. Empty where the server has given none yet.
   */
  id: string;
}

/** A batch is in the journal. */
export interface ReceivedMessage extends Base {
  type: 'received';
  sourceId: string;
  stream: string;
  count: number;
  eventIds: string[];
}

interface EventMessage extends Base {
  eventId: string;
  stream: string;
  /** Of a fused record the winner's, or null where it is nobody's alone. */
  sourceId: string | null;
  /** The source's count; a fused record has none. */
  seq?: number;
  eventTime: string;
}

interface Normalized extends EventMessage {
  /** The payload; absent after erasure, and cut down to `fields` where those were asked for. */
  normalized?: unknown;
  /** Of a fused record: all that had a say, and which decision it was. */
  sources?: string[];
  decision?: string;
  conflict?: boolean;
  supersedes?: string;
}

/** Where the log has it. */
export interface LogPlace {
  leafIndex: number;
  /** Leaves `[start, end)` of the sealed packet it is in. */
  packet: { start: number; end: number };
  versionId: string;
}

export interface NormalizedMessage extends Normalized {
  type: 'normalized';
}

export interface CertifiedMessage extends Normalized, LogPlace {
  type: 'certified';
  /** The leaf's `payloadHash`. */
  contentHash: string;
}

export interface QuarantinedMessage extends EventMessage, LogPlace {
  type: 'quarantined';
  reasons: string[];
}

export interface ConflictMessage extends Base, LogPlace {
  type: 'conflict';
  decisionId: string;
  eventId: string;
  stream: string;
  sources: string[];
  key: unknown;
  bucket: string | null;
  candidates: { eventId: string; sourceId: string; seq: number; eventTime: string; contentHash: string | null }[];
  rule: string;
  tieBreaker?: string;
  winner: [string, number] | null;
  losers: [string, number][];
  outcome: 'resolved' | 'unresolved' | 'quarantined';
  reason: string;
  supersedes?: string;
}

export interface AnchoredMessage extends Base {
  type: 'anchored';
  stream: string;
  packet: { start: number; end: number };
  versionId: string;
  txid: string;
  height: number;
  chain: string;
}

/** The server says that something was left out. */
export interface GapMessage extends Base {
  type: 'gap';
  reason: 'unknown-cursor' | 'expired-cursor' | 'slow' | 'conflated';
  /** The one that was asked for, or behind which messages were left out. */
  cursor?: string;
  /** Messages left out, where the server has counted them. */
  skipped?: number;
  hint: string;
  /** Leaves left out, by stream: up to `end`, from which what follows begins; `start` is null where it is not known. */
  missing?: { stream: string; start: number | null; end: number }[];
}

export type WatchMessage =
  | ReceivedMessage
  | NormalizedMessage
  | CertifiedMessage
  | QuarantinedMessage
  | ConflictMessage
  | AnchoredMessage
  | GapMessage;

export type MessageType = WatchMessage['type'];

/** What a transport hands over: the JSON object, and the cursor behind it where it has one. */
export interface Frame {
  body: Readonly<Record<string, unknown>>;
  id: string | undefined;
}

/** @throws ClientError `bad-answer` for what is no JSON object with a type */
export function parseFrame(text: string, id?: string): Frame {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new ClientError('bad-answer', 'watch: a message is not JSON', { cause });
  }
  if (!isObject(body) || typeof body.type !== 'string') fail('a message has no type');
  return { body, id: id ?? (typeof body.id === 'string' && body.id !== '' ? body.id : undefined) };
}

type Check = (body: Readonly<Record<string, unknown>>) => boolean;

/** Of streams, sources and times; what is longer is none, and would be kept. */
const MAX_NAME_CHARS = 1024;

const isPlaced: Check = ({ stream, leafIndex, packet }) =>
  isName(stream) && isCount(leafIndex) && isRange(packet) && isWithin(leafIndex, packet);
const isEvent: Check = ({ eventId, stream, sourceId = null, eventTime = '' }) =>
  isHex(eventId, 16) && isName(stream) && (sourceId === null || isName(sourceId)) && isName(eventTime);

const CHECKS: Record<MessageType, Check> = {
  received: ({ stream, count, eventIds }) => isName(stream) && isCount(count) && Array.isArray(eventIds),
  normalized: isEvent,
  certified: (body) => isEvent(body) && isPlaced(body) && isHex(body.contentHash, 32),
  quarantined: (body) => isEvent(body) && isPlaced(body),
  conflict: isPlaced,
  anchored: ({ stream, packet }) => isName(stream) && isRange(packet),
  gap: ({ reason, missing = [] }) => typeof reason === 'string' && Array.isArray(missing) && missing.every(isMissing),
};

/**
 * The message; undefined for hello, heartbeats, and types that this version does not know.
 * @param whole false where it has only those members that were asked for
 * @throws ClientError `bad-answer` where a member that this client relies on is not what it has to be
 */
export function messageOf({ body }: Frame, cursor: string, whole: boolean): WatchMessage | undefined {
  const type = body.type as string;
  if (!Object.hasOwn(CHECKS, type)) return undefined;
  const message = { ...body, id: cursor } as WatchMessage;
  // Of a gap, nothing is left out.
  if (whole || type === 'gap') checkMessage(message);
  return message;
}

/** @throws ClientError `bad-answer` where a member that this client relies on is not what it has to be */
export function checkMessage(message: WatchMessage): void {
  const { type } = message;
  if (!CHECKS[type]({ ...message })) fail(`a message of type ${type} is not as it has to be`);
}

function isMissing(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { stream, start, end } = value;
  return isName(stream) && (start === null || isCount(start)) && isCount(end);
}

function isRange(value: unknown): value is { start: number; end: number } {
  return isObject(value) && isCount(value.start) && isCount(value.end) && value.start < value.end;
}

function isWithin(index: number, { start, end }: { start: number; end: number }): boolean {
  return start <= index && index < end;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_NAME_CHARS;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fail(detail: string): never {
  throw new ClientError('bad-answer', `watch: ${detail}`);
}
