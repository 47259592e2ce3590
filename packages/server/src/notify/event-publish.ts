/**
 * `POST /event-publish`: takes a message, keeps a row of it and publishes it. A plain `Request → Response` function
 * without a part of Node: the server mounts it, and `supabase/functions/event-publish` serves it on Deno.
 */
import { EMBED_CHANNEL, INGEST_CHANNEL, lifecycleIssues, parseJsonObject } from '@tidemark/client';
import { type PublishRequest, type Refusal, readPublishRequest, TOO_LARGE } from './event-publish-request.ts';
import { type MirrorRecord, mirrorRecord, type PublishRow, rowOf } from './event-publish-row.ts';
import { bearerOf, PublishTokens } from './event-publish-tokens.ts';

export interface EventPublishSettings {
  /** Each of them may publish. Without any, and without a token that the port admits, the route answers 503. */
  tokens: readonly string[];
  allowedChannels: readonly string[];
  /** Of the message in UTF-8, from `boundedMessageBytes`. */
  maxMessageBytes: number;
  /**
   * What is done with a lifecycle event that is not as its schema has it: nothing, a warning, or 400. Other messages are
   * nobody's business.
   */
  schema: 'off' | 'warn' | 'enforce';
}

export interface EventPublishPorts {
  /**
   * Publishes the row's message on its channel; `held` where it must not be yet, and is seen to later. A rejection is 502.
   */
  publish(row: PublishRow): Promise<'published' | 'held'>;
  /** Keeps the row, before it is published; what is not kept is not published. Absent where nothing is kept. */
  persist?(row: PublishRow): Promise<void>;
  /** Told of what has been published, and not waited for. */
  mirror?(record: MirrorRecord): Promise<void>;
  /** Told of what went wrong without being the caller's fault, in words that name neither token nor message. */
  warn(message: string): void;
  /** Milliseconds since 1970. */
  now(): number;
  /** Whether another token than those in the settings may publish, such as an administrator's. */
  admits?(token: string): boolean;
}

export const DEFAULT_CHANNELS: readonly string[] = [INGEST_CHANNEL, EMBED_CHANNEL];
export const DEFAULT_MESSAGE_BYTES = 32_768;
const LEAST_MESSAGE_BYTES = 1024;
const MOST_MESSAGE_BYTES = 512_000;

/** `MAX_MESSAGE_BYTES` as it is meant: within 1024…512000, and the default where it is no number. */
export function boundedMessageBytes(value: number | undefined): number {
  if (value === undefined || Number.isNaN(value)) return DEFAULT_MESSAGE_BYTES;
  return Math.min(MOST_MESSAGE_BYTES, Math.max(LEAST_MESSAGE_BYTES, Math.floor(value)));
}

/**
 * The handler. It answers with what fails first, in this order:
 *
 * 1. 405 `Method not allowed`
 * 2. 503 `No token configured`, then 401 `Unauthorized`: the body of a stranger is not read
 * 3. 413 `Message too large`, of a body beyond what any message needs, as soon as that is read
 * 4. 400 `Invalid JSON`, then `Missing channel or message`, then `Unsupported action`
 * 5. 403 `Channel not allowed`
 * 6. 413 `Message too large`
 * 7. 400 `Invalid event: …`, where schemas are enforced
 * 8. 502 `publish failed`: the row could not be kept, and nothing was published; or it was kept and not published.
 *    Published again, it is kept twice: consumers know it by event and batch tag.
 *
 * and otherwise with 200 `{"status":"published","channel","persisted"}`, or 202 and `"status":"held"`. It never rejects.
 */
export function eventPublish(
  settings: EventPublishSettings,
  ports: EventPublishPorts,
): (request: Request) => Promise<Response> {
  const tokens = new PublishTokens(settings.tokens);
  const channels = new Set(settings.allowedChannels);
  return async (request) => {
    if (request.method !== 'POST') return refuse({ status: 405, error: 'Method not allowed' }, { allow: 'POST' });
    const stranger = await strangerOf(request, tokens, ports);
    if (stranger !== undefined) return stranger;
    const asked = await readPublishRequest(request, settings.maxMessageBytes);
    if ('error' in asked) return refuse(asked);
    if (!channels.has(asked.channel)) return refuse({ status: 403, error: 'Channel not allowed' });
    if (bytesOf(asked.message) > settings.maxMessageBytes) return refuse(TOO_LARGE);
    const issue = checkEvent(asked, settings, ports);
    if (issue !== undefined) return refuse(issue);
    return await deliver(asked, ports);
  };
}

async function strangerOf(
  request: Request,
  tokens: PublishTokens,
  { admits }: EventPublishPorts,
): Promise<Response | undefined> {
  const shown = bearerOf(request);
  if (shown !== undefined && (admits?.(shown) === true || (await tokens.has(shown)))) return undefined;
  if (tokens.empty) return refuse({ status: 503, error: 'No token configured' });
  return refuse({ status: 401, error: 'Unauthorized' }, { 'www-authenticate': 'Bearer' });
}

function checkEvent(
  { channel, message }: PublishRequest,
  { schema }: EventPublishSettings,
  { warn }: EventPublishPorts,
): Refusal | undefined {
  if (schema === 'off') return undefined;
  const issues = lifecycleIssues(parseJsonObject(message));
  if (issues.length === 0) return undefined;
  const error = `Invalid event: ${issues.join('; ')}`;
  if (schema === 'enforce') return { status: 400, error };
  warn(`${error}; published on ${channel} all the same`);
  return undefined;
}

async function deliver({ channel, message, persist }: PublishRequest, ports: EventPublishPorts): Promise<Response> {
  const row = rowOf(channel, message, ports.now());
  const persisted = persist && ports.persist !== undefined;
  try {
    if (persisted) await ports.persist?.(row);
    const outcome = await ports.publish(row);
    if (outcome === 'held') return answer(202, { status: 'held', channel, persisted });
  } catch (error) {
    ports.warn(`publish failed on ${channel}: ${wordsOf(error)}`);
    return refuse({ status: 502, error: 'publish failed' });
  }
  void mirror(row, ports);
  return answer(200, { status: 'published', channel, persisted });
}

/** Whatever comes of it: the message is published, and its sender waits for nothing else. */
async function mirror(row: PublishRow, ports: EventPublishPorts): Promise<void> {
  try {
    await ports.mirror?.(mirrorRecord(row));
  } catch (error) {
    ports.warn(`mirror failed: ${wordsOf(error)}`);
  }
}

function refuse({ status, error }: Refusal, headers: Readonly<Record<string, string>> = {}): Response {
  return answer(status, { error }, headers);
}

function answer(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  const said = { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers };
  return new Response(JSON.stringify(body), { status, headers: said });
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
