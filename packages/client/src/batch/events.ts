/**
 * The events of a batch's life, as they travel over Redis and lie in the journal of batch events. Nothing is imported
 * here: the publish handler has this file alone of the client where it runs at an edge.
 */

/** Before the files of a run are replayed. */
export interface GateOpen {
  event: 'gate.open';
  /** The same for the whole run. */
  batch_tag: string;
  /** Directory that the run is read from. */
  spool: string;
  bytes: number;
  /** Of files. */
  count: number;
  /** Whether there may be personal data in it. */
  pii: boolean;
  /** Unix seconds; in a backfill those of the past. */
  ts?: number;
}

/** After the replay. */
export interface GateDone {
  event: 'gate.done';
  batch_tag: string;
  status: 'success' | 'failed';
  /** Of records. */
  processed: number;
  pii: boolean;
  ts?: number;
  /** Of the rollup that certifies the batch, in hex; null or absent where there is none. */
  version_id?: string | null;
  /** The stream that has the batch's records. */
  stream?: string;
}

/** The batch may be embedded. Whoever gets it twice does nothing the second time. */
export interface EmbedStart {
  event: 'embed.start';
  batch_tag: string;
  pii: boolean;
  ts?: number;
}

export interface EmbedDone {
  event: 'embed.done';
  batch_tag: string;
  status: 'success' | 'failed';
  /** Of texts. */
  embedded: number;
  pii: boolean;
  ts?: number;
}

export type LifecycleEvent = GateOpen | GateDone | EmbedStart | EmbedDone;
export type LifecycleEventName = LifecycleEvent['event'];

export const INGEST_CHANNEL = 'ingest_updates';
export const EMBED_CHANNEL = 'embed_updates';

/** Where each event is published. */
export const LIFECYCLE_CHANNELS: Readonly<Record<LifecycleEventName, string>> = {
  'gate.open': INGEST_CHANNEL,
  'gate.done': INGEST_CHANNEL,
  'embed.start': EMBED_CHANNEL,
  'embed.done': EMBED_CHANNEL,
};

/** 9999-12-31T23:59:59Z: a time in milliseconds is beyond it. */
export const MAX_EVENT_TS = 253_402_300_799;
const MAX_TAG_CHARS = 256;

/** A message that is no lifecycle event, though it may be one of somebody else's. */
export class LifecycleEventError extends Error {
  /**
   * - `not-json`: no JSON object
   * - `unknown-event`: a JSON object, but none of the events here
   * - `invalid-event`: one of them by its name, without being as it has to be; `issues` says why
   */
  readonly code: 'not-json' | 'unknown-event' | 'invalid-event';
  readonly issues: readonly string[];

  constructor(code: LifecycleEventError['code'], message: string, issues: readonly string[] = []) {
    super(message);
    this.name = 'LifecycleEventError';
    this.code = code;
    this.issues = issues;
  }
}

/**
 * A message's text as the event it is. Members beside those that are known stay; a `pii` that is absent is false.
 * @throws LifecycleEventError
 */
export function parseLifecycleEvent(text: string): LifecycleEvent {
  const value = parseJsonObject(text);
  if (value === undefined) throw new LifecycleEventError('not-json', 'the message is no JSON object');
  if (!isLifecycleName(value.event)) {
    throw new LifecycleEventError('unknown-event', 'the message is none of the lifecycle events');
  }
  const issues = lifecycleIssues(value);
  if (issues.length > 0) throw new LifecycleEventError('invalid-event', issues.join('; '), issues);
  return { pii: false, ...value } as unknown as LifecycleEvent;
}

/** What consumers know a message by to take it once. */
export function eventKey({ event, batch_tag }: Pick<LifecycleEvent, 'event' | 'batch_tag'>): string {
  return `${event}:${batch_tag}`;
}

/** Whether an `event` member names one of the events here. */
export function isLifecycleName(name: unknown): name is LifecycleEventName {
  return typeof name === 'string' && Object.hasOwn(LIFECYCLE_CHANNELS, name);
}

type Check = (value: unknown) => string | undefined;

const isCount: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'is no whole number from 0';
const isStatus: Check = (value) =>
  value === 'success' || value === 'failed' ? undefined : 'is neither "success" nor "failed"';
const isTag: Check = (value) =>
  typeof value === 'string' && value !== '' && charsOf(value) <= MAX_TAG_CHARS
    ? undefined
    : `is no text of 1 to ${MAX_TAG_CHARS} characters`;
const isText: Check = (value) => (typeof value === 'string' ? undefined : 'is no text');
const isFlag: Check = (value) => (typeof value === 'boolean' ? undefined : 'is neither true nor false');
const isTs: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_EVENT_TS
    ? undefined
    : 'is no Unix seconds';
const isVersionId: Check = (value) =>
  value === null || (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value))
    ? undefined
    : 'is neither 64 hex digits nor null';

type Checks = Readonly<Record<string, Check>>;

/** As `schemas/*.schema.json` have it, which say the same in JSON Schema. */
const REQUIRED: Readonly<Record<LifecycleEventName, Checks>> = {
  'gate.open': { batch_tag: isTag, spool: isText, bytes: isCount, count: isCount },
  'gate.done': { batch_tag: isTag, status: isStatus, processed: isCount },
  'embed.start': { batch_tag: isTag },
  'embed.done': { batch_tag: isTag, status: isStatus, embedded: isCount },
};
const OPTIONAL: Readonly<Record<LifecycleEventName, Checks>> = {
  'gate.open': { pii: isFlag, ts: isTs },
  'gate.done': { pii: isFlag, ts: isTs, version_id: isVersionId, stream: isText },
  'embed.start': { pii: isFlag, ts: isTs },
  'embed.done': { pii: isFlag, ts: isTs },
};

/**
 * What keeps a value from being the lifecycle event that it names: empty where it is one, and where its `event` is none
 * of those here, since others' events are not for this to judge.
 */
export function lifecycleIssues(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const members = value as Readonly<Record<string, unknown>>;
  const { event } = members;
  if (!Object.hasOwn(members, 'event') || !isLifecycleName(event)) return [];
  const issues: string[] = [];
  for (const [name, check] of Object.entries(REQUIRED[event])) {
    const issue = Object.hasOwn(members, name) ? check(members[name]) : 'is missing';
    if (issue !== undefined) issues.push(`${name} ${issue}`);
  }
  for (const [name, check] of Object.entries(OPTIONAL[event])) {
    const issue = Object.hasOwn(members, name) ? check(members[name]) : undefined;
    if (issue !== undefined) issues.push(`${name} ${issue}`);
  }
  return issues;
}

/** A text's JSON object; undefined for everything else. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
}

/** As JSON Schema counts, in code points. */
function charsOf(text: string): number {
  let chars = 0;
  for (const _ of text) chars++;
  return chars;
}
