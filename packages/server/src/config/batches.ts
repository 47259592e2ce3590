/** Batches: who may publish messages about them, where these go, and what is searched and embedded. */
import { isLifecycleName } from '@tidemark/client';
import type { Route } from '../batches/routing.ts';
import type { BatchSettings } from '../batches/settings.ts';
import { compilePath, PathError } from '../json/path.ts';
import { boundedMessageBytes, DEFAULT_CHANNELS, DEFAULT_MESSAGE_BYTES } from '../notify/event-publish.ts';
import type { Source, Stream } from '../stream.ts';
import { integer, list, object, onlyMembers, text } from './members.ts';
import { ConfigError, invalid, type Settings } from './settings.ts';

export const BATCH_SETTINGS = [
  ...['EDGE_TOKEN', 'ALLOWED_CHANNELS', 'MAX_MESSAGE_BYTES', 'EVENT_SCHEMA', 'TIMESERIES_WEBHOOK_URL', 'REDIS_URL'],
  ...['BATCH_EVENTS_MAX', 'BATCH_ROUTES_JSON', 'EMBED_ENDPOINT', 'EMBED_TOKEN', 'EMBED_DIMENSIONS', 'EMBED_ATTEMPTS'],
];

const SPOOL = 'spool';
/** Where spools send what they find, unless it is declared. What is known by its content is not taken twice. */
export const SPOOL_SOURCE: Source = {
  ...{ id: SPOOL, stream: SPOOL, auth: 'none', enabled: true, dedup: 'first', trust: 1 },
  // What may be personal is masked, and told again by a keyed hash alone.
  policy: {
    pii: {
      mask: [
        ...['text', 'instruction', 'chunk', 'source_text', 'input', 'output', 'prompt', 'completion', 'response'],
        ...['question', 'answer', 'messages', 'conversations', 'context', 'title', 'summary', 'author'],
      ],
      hash: ['eventId', 'original_event_id', 'metadata.content_hash'],
    },
  },
};
const SPOOL_TEXT = ['text'];
/** What the packaged model gives. */
const MODEL_DIMENSIONS = 512;
const MAX_PATHS = 16;

export function readBatches(settings: Settings): BatchSettings {
  const endpoint = urlOf(settings, 'EMBED_ENDPOINT', ['http:', 'https:']);
  const redisUrl = urlOf(settings, 'REDIS_URL', ['redis:', 'rediss:']);
  const dimensions = settings.integer('EMBED_DIMENSIONS', MODEL_DIMENSIONS, 1, 8192);
  if (endpoint === undefined && dimensions !== MODEL_DIMENSIONS) {
    const what = `the packaged model gives ${MODEL_DIMENSIONS}; others take an EMBED_ENDPOINT`;
    throw invalid(settings.label('EMBED_DIMENSIONS'), what);
  }
  return {
    publish: {
      tokens: listed(settings, 'EDGE_TOKEN'),
      allowedChannels: settings.has('ALLOWED_CHANNELS') ? listed(settings, 'ALLOWED_CHANNELS') : DEFAULT_CHANNELS,
      maxMessageBytes: boundedMessageBytes(
        settings.integer('MAX_MESSAGE_BYTES', DEFAULT_MESSAGE_BYTES, 0, Number.MAX_SAFE_INTEGER),
      ),
      schema: settings.oneOf('EVENT_SCHEMA', ['off', 'warn', 'enforce'], 'off'),
    },
    mirrorUrl: urlOf(settings, 'TIMESERIES_WEBHOOK_URL', ['http:', 'https:']),
    redisUrl,
    messages: settings.integer('BATCH_EVENTS_MAX', 1_000_000, 1000, 100_000_000),
    routes: readRoutes(settings, redisUrl),
    embedding: {
      endpoint,
      token: settings.string('EMBED_TOKEN'),
      dimensions,
      attempts: settings.integer('EMBED_ATTEMPTS', 10, 1, 1000),
    },
  };
}

/** Of each stream that is searched, the paths in its payloads where the texts are. */
export function readSearched(settings: Settings, streams: readonly Stream[]): Map<string, readonly string[]> {
  const label = settings.label('STREAMS_JSON');
  const searched = new Map<string, readonly string[]>();
  if (streams.some(({ id }) => id === SPOOL)) searched.set(SPOOL, SPOOL_TEXT);
  for (const [index, { id, search }] of list(settings.json('STREAMS_JSON'), label).entries()) {
    if (search === undefined) continue;
    const paths = pathsOf(search, `${label}[${index}].search`);
    if (paths.length === 0) searched.delete(String(id));
    else searched.set(String(id), paths);
  }
  return searched;
}

const ROUTE_MEMBERS = ['name', 'channel', 'event', 'webhook', 'secret', 'queue', 'maxLength'];
const QUEUE_LENGTH = 100_000;

function readRoutes(settings: Settings, redisUrl: string | undefined): Route[] {
  const label = settings.label('BATCH_ROUTES_JSON');
  const routes = list(settings.json('BATCH_ROUTES_JSON'), label).map((item, index): Route => {
    const where = `${label}[${index}]`;
    const { name, channel, event, webhook, secret, queue, maxLength } = object(item, where);
    onlyMembers(item, where, ROUTE_MEMBERS, []);
    if ((webhook === undefined) === (queue === undefined))
      throw invalid(where, 'names either a "webhook" or a "queue"');
    if (event !== undefined && !isLifecycleName(event)) throw invalid(`${where}.event`, 'is none of the events');
    const wants = {
      name: text(name, `${where}.name`),
      ...(channel !== undefined && { channel: text(channel, `${where}.channel`) }),
      ...(event !== undefined && { event }),
    };
    if (queue === undefined)
      return { ...wants, to: { webhook: webhookOf(webhook, where), ...secretOf(secret, where) } };
    if (redisUrl === undefined) throw new ConfigError('settings-contradict', `${where}: a queue takes a REDIS_URL`);
    const length = integer(maxLength ?? QUEUE_LENGTH, `${where}.maxLength`, 1, 100_000_000);
    return { ...wants, to: { queue: text(queue, `${where}.queue`), maxLength: length } };
  });
  const names = new Set(routes.map(({ name }) => name));
  if (names.size < routes.length) throw new ConfigError('settings-contradict', `${label}: two routes have one name`);
  return routes;
}

function webhookOf(value: unknown, where: string): string {
  const url = text(value, `${where}.webhook`);
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url;
  throw invalid(`${where}.webhook`, 'must be an http or https URL');
}

function secretOf(value: unknown, where: string): { secret?: string } {
  if (value === undefined) return {};
  const secret = text(value, `${where}.secret`);
  if (/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(secret)) return { secret };
  throw invalid(`${where}.secret`, 'must be whsec_ and 24 to 64 bytes in base64, as Standard Webhooks has it');
}

function pathsOf(value: unknown, where: string): string[] {
  if (!Array.isArray(value) || value.length > MAX_PATHS || !value.every((path) => typeof path === 'string')) {
    throw invalid(where, `must be a list of at most ${MAX_PATHS} paths; an empty one: the stream is not searched`);
  }
  for (const path of value) {
    try {
      compilePath(path);
    } catch (cause) {
      if (cause instanceof PathError) throw invalid(where, `has "${path}", which is no path: ${cause.message}`, cause);
      throw cause;
    }
  }
  return value;
}

function listed(settings: Settings, name: string): string[] {
  const items = settings.string(name)?.split(',') ?? [];
  return items.map((item) => item.trim()).filter((item) => item !== '');
}

function urlOf(settings: Settings, name: string, protocols: readonly string[]): string | undefined {
  const text = settings.string(name);
  if (text === undefined) return undefined;
  if (protocols.includes(URL.parse(text)?.protocol ?? '')) return text;
  // What is in it may be secret.
  throw invalid(
    settings.label(name),
    `must be a URL that begins with ${protocols.map((one) => `${one}//`).join(' or ')}`,
  );
}
