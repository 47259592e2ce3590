/** What is kept of a message: the columns of `ingest_events`, read out of its text where it has them. */
import { MAX_EVENT_TS, parseJsonObject } from '@tidemark/client';

export interface PublishRow {
  channel: string;
  /** The message's text, as it came and as it is published. */
  message: string;
  /** Unix seconds, with a fraction where the message has one: the message's own, else the time of receipt. */
  ts: number;
  event: string | null;
  batch_tag: string | null;
  status: string | null;
  processed: number | null;
  bytes: number | null;
  count: number | null;
  /** False where a JSON object says nothing of it; null where it says something else, or the message is none. */
  pii: boolean | null;
}

/** What is mirrored of a row. */
export type MirrorRecord = Pick<PublishRow, 'ts' | 'channel' | 'event' | 'batch_tag'>;

/**
 * A message may be any text: of one that is no JSON object, or has a member of another type, the column is null.
 * @param now milliseconds since 1970
 */
export function rowOf(channel: string, message: string, now: number): PublishRow {
  const members = parseJsonObject(message);
  const said = members ?? {};
  return {
    channel,
    message,
    ts: secondsOf(said.ts) ?? Math.floor(now / 1000),
    event: textOf(said.event),
    batch_tag: textOf(said.batch_tag),
    status: textOf(said.status),
    processed: countOf(said.processed),
    bytes: countOf(said.bytes),
    count: countOf(said.count),
    pii: members === undefined ? null : flagOf(said.pii),
  };
}

export function mirrorRecord({ ts, channel, event, batch_tag }: PublishRow): MirrorRecord {
  return { ts, channel, event, batch_tag };
}

/** Neither NUL nor half a character can be stored in a database's text. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0') ? value : null;
}

function countOf(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null;
}

function flagOf(value: unknown): boolean | null {
  if (value === undefined) return false;
  return typeof value === 'boolean' ? value : null;
}

const ISO_TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** A time given as Unix seconds, or as ISO 8601 text, which is in UTC where it names no zone. */
function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' ? secondsOfText(value.trim()) : value;
  return typeof seconds === 'number' && seconds >= 0 && seconds < MAX_EVENT_TS + 1 ? seconds : undefined;
}

function secondsOfText(text: string): number {
  // Templates put quotes around whatever they are given.
  if (/^\d{1,12}(?:\.\d+)?$/.test(text)) return Number(text);
  const parts = ISO_TIME.exec(text);
  if (parts === null) return Number.NaN;
  const [, date, time = '00:00', zone = 'Z'] = parts;
  return Date.parse(`${date}T${time.replace(',', '.')}${zoneOf(zone.toUpperCase())}`) / 1000;
}

/** As `Date.parse` reads it: hours and minutes, with a colon between. */
function zoneOf(zone: string): string {
  if (zone === 'Z') return zone;
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
}
