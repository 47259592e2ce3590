/** Who may read, and what the live feed allows. */
import type { ReadToken } from '../access/readers.ts';
import type { Stream } from '../stream.ts';
import { choice, list, onlyMembers, text } from './members.ts';
import { ConfigError, invalid, type Settings } from './settings.ts';

export const LIVE_SETTINGS = [
  ...['WATCH_MAX_CLIENTS', 'WATCH_MAX_PER_ADDRESS', 'WATCH_MAX_PER_IDENTITY', 'WATCH_HISTORY_MS'],
  ...['WATCH_QUEUE_BYTES', 'WATCH_QUEUE_MESSAGES', 'INGEST_SSE_HEARTBEAT_MS', 'FEED_CACHE_TTL_MS', 'READ_TOKENS_JSON'],
  'CORS_ORIGINS',
];

export interface WatchSettings {
  maxClients: number;
  /** Undefined: a default, which does not count connections from this machine. */
  maxPerAddress: number | undefined;
  maxPerIdentity: number;
  heartbeatMs: number;
  /** How far back the feed goes; 0: to the beginning. */
  historyMs: number;
  /** What may wait for one client. */
  queue: { bytes: number; messages: number };
}

export function readWatch(settings: Settings): WatchSettings {
  const perAddress = settings.has('WATCH_MAX_PER_ADDRESS');
  return {
    maxClients: settings.integer('WATCH_MAX_CLIENTS', 500, 1, 1_000_000),
    maxPerAddress: perAddress ? settings.integer('WATCH_MAX_PER_ADDRESS', 100, 1, 1_000_000) : undefined,
    maxPerIdentity: settings.integer('WATCH_MAX_PER_IDENTITY', 100, 1, 1_000_000),
    heartbeatMs: settings.integer('INGEST_SSE_HEARTBEAT_MS', 15_000, 100, 600_000),
    historyMs: settings.integer('WATCH_HISTORY_MS', 0, 0, 10 * 366 * 86_400_000),
    queue: {
      bytes: settings.integer('WATCH_QUEUE_BYTES', 1024 * 1024, 1024, 1024 ** 3),
      messages: settings.integer('WATCH_QUEUE_MESSAGES', 10_000, 1, 1_000_000),
    },
  };
}

/** Of each stream, whether it is public: as it is declared, else on a loopback bind alone. */
export function readVisibility(settings: Settings, streams: readonly Stream[], open: boolean): Map<string, boolean> {
  const label = settings.label('STREAMS_JSON');
  const declared = list(settings.json('STREAMS_JSON'), label).map(({ id, visibility }, index) => {
    const isPublic =
      visibility === undefined
        ? open
        : choice(visibility, ['public', 'private'], `${label}[${index}].visibility`) === 'public';
    return [String(id), isPublic] as const;
  });
  return new Map([...streams.map(({ id }) => [id, open] as const), ...declared]);
}

/** Other sites whose pages may call this server. */
export function readOrigins(settings: Settings): string[] {
  const origins = settings.string('CORS_ORIGINS')?.split(',') ?? [];
  return origins.map((text) => {
    const origin = text.trim();
    if (URL.parse(origin)?.origin === origin && /^https?:/.test(origin)) return origin;
    throw invalid(settings.label('CORS_ORIGINS'), `is a list of origins, as https://example.org; ${origin} is none`);
  });
}

const TOKEN = /^[A-Za-z0-9._~+/=-]{16,256}$/;

/** @param streams that are declared */
export function readReadTokens(settings: Settings, streams: readonly Stream[]): ReadToken[] {
  const label = settings.label('READ_TOKENS_JSON');
  const known = new Set(streams.map(({ id }) => id));
  const tokens = list(settings.json('READ_TOKENS_JSON'), label).map((item, index): ReadToken => {
    const where = `${label}[${index}]`;
    onlyMembers(item, where, ['id', 'token', 'streams'], []);
    const id = text(item.id, `${where}.id`);
    const token = typeof item.token === 'string' ? item.token : '';
    if (!TOKEN.test(token))
      throw invalid(`${where}.token`, 'must be 16 to 256 characters of A-Z a-z 0-9 . _ ~ + / = -');
    if (item.streams === undefined) return { id, token, streams: 'all' };
    if (!Array.isArray(item.streams) || item.streams.length === 0) {
      throw invalid(`${where}.streams`, 'must be a list of streams; without it, the token is for all');
    }
    const named = item.streams.map((stream: unknown, place) => text(stream, `${where}.streams[${place}]`));
    const unknown = named.find((stream) => !known.has(stream));
    if (unknown !== undefined) throw invalid(`${where}.streams`, `there is no stream "${unknown}"`);
    return { id, token, streams: new Set(named) };
  });
  for (const member of ['id', 'token'] as const) {
    if (new Set(tokens.map((one) => one[member])).size === tokens.length) continue;
    throw new ConfigError('settings-contradict', `${label}: two have the same "${member}"`);
  }
  return tokens;
}
