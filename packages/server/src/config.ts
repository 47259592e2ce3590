/** The only reader of the environment: settings in, one frozen and validated `Config` out. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AcceptedForm } from './access/identity.ts';
import type { ReadToken } from './access/readers.ts';
import type { AnchorSettings } from './anchor/open.ts';
import type { BatchSettings } from './batches/settings.ts';
import {
  ANCHORING_SETTINGS,
  type HeaderSettings,
  readAnchor,
  readHeaders,
  readWitnesses,
  type WitnessSettings,
} from './config/anchoring.ts';
import { BATCH_SETTINGS, readBatches, readSearched, SPOOL_SOURCE } from './config/batches.ts';
import { type DeclaredStream, impliedStream, parseMapping, parseSources, parseStreams } from './config/declarations.ts';
import { parseFusion, settleOrder } from './config/fusing.ts';
import { readAdvisors, readForms } from './config/identity.ts';
import {
  LIVE_SETTINGS,
  readOrigins,
  readReadTokens,
  readVisibility,
  readWatch,
  type WatchSettings,
} from './config/live.ts';
import { refuseUnerasable } from './config/salted.ts';
import { ConfigError, environmentName, type FileSetting, invalid, Settings } from './config/settings.ts';
import { readSubscriptions, SUBSCRIPTIONS_SETTINGS } from './config/subscriptions.ts';
import { ORDER_DEFAULTS, PUBLISH_DEFAULTS, type PublishPolicy, type Source, type Stream } from './stream.ts';
import type { SubscriptionsSettings } from './subscriptions/settings.ts';

export { ConfigError } from './config/settings.ts';

export interface Config {
  host: string;
  port: number;
  dataDir: string;
  /** Where others reach this server; also names its logs when the data directory is new. */
  publicUrl: string | undefined;
  sources: readonly Source[];
  streams: readonly Stream[];
  /** Of each stream, whether whoever has no token may read it. */
  visible: ReadonlyMap<string, boolean>;
  /** Who may read private streams. */
  readTokens: readonly ReadToken[];
  /** Other sites whose pages may call this server. */
  corsOrigins: readonly string[];
  /** Bearer secrets by source, apart from what is shown or journaled. */
  secrets: ReadonlyMap<string, string>;
  limits: IntakeLimits;
  watch: WatchSettings;
  anchor: AnchorSettings;
  headers: HeaderSettings | undefined;
  witnesses: readonly WitnessSettings[];
  /** Who may publish manifests and advisories. */
  identity: { required: boolean; accept: readonly AcceptedForm[] };
  /** `advisors`: identity keys whose advisories count; `shareBytes`: what one identity may add. */
  catalog: { advisors: readonly string[]; shareBytes: number };
  /** Files that hold the node's keys in place of those in the data directory. */
  keyFiles: { identity: string | undefined; log: string | undefined };
  subscriptions: SubscriptionsSettings;
  batches: BatchSettings;
  /** Of each stream that is searched, the paths in its payloads where the texts are. */
  searched: ReadonlyMap<string, readonly string[]>;
  minConfirmations: number;
  bundleMaxDepth: number;
  feedCacheTtlMs: number;
}

export interface IntakeLimits {
  /** Decoded size of one request's body. */
  bodyBytes: number;
  eventsPerRequest: number;
  eventBytes: number;
  /** Bodies held in memory over all requests; beyond it requests are turned away with 503. */
  inFlightBytes: number;
}

/** Flags of the command line; they win over the environment. */
export interface Overrides {
  host?: string;
  port?: string;
  data?: string;
  config?: string;
  /** Settings as a configuration file has them, in place of one. */
  settings?: object;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SUPPORTED = [
  ...['HOST', 'PORT', 'TIDEMARK_DATA', 'TIDEMARK_CONFIG', 'PUBLIC_URL', 'INGEST_SOURCES_JSON', 'STREAMS_JSON'],
  ...['NORMALIZE_POLICY_JSON', 'FUSION_POLICY_JSON', 'EVENT_BUFFER_MS', 'PUBLISH_MODE'],
  ...ANCHORING_SETTINGS,
  ...['IDENTITY_REQUIRED', 'IDENTITY_ACCEPT', 'IDENTITY_KEY_FILE', 'LOG_KEY_FILE', 'ADVISORS'],
  'CATALOG_SHARE_BYTES',
  ...LIVE_SETTINGS,
  ...SUBSCRIPTIONS_SETTINGS,
  ...BATCH_SETTINGS,
  ...['POLICY_MIN_CONFS', 'BUNDLE_MAX_DEPTH', 'INGEST_MAX_BODY_BYTES'],
  ...['INGEST_MAX_EVENTS', 'INGEST_MAX_EVENT_BYTES', 'INGEST_MAX_IN_FLIGHT_BYTES'],
];

/** Part of the contract and not built yet. Ignoring one could leave open what its owner believes is shut. */
const TO_COME = ['INGEST_ALLOWLIST_CIDRS'];

/** For what is configured apart from the server. */
export const environment: Environment = process.env;

/** @throws ConfigError with one line that names the setting and what to do */
export function loadConfig(overrides: Overrides = {}, env = environment): Config {
  const settings = readSettings(env, overrides);
  const host = overrides.host ?? settings.string('HOST') ?? '127.0.0.1';
  const open = isLoopback(host);
  const publish = PUBLISH_DEFAULTS[settings.oneOf('PUBLISH_MODE', ['live', 'batch'], 'live')];
  const policy = parseMapping(settings.json('NORMALIZE_POLICY_JSON') ?? {}, settings.label('NORMALIZE_POLICY_JSON'));
  const declared = parseSources(settings.json('INGEST_SOURCES_JSON'), settings.label('INGEST_SOURCES_JSON'), {
    policy,
    open,
  });
  const sources = declared.map(({ source }) => source);
  if (open && !sources.some(({ id }) => id === 'default')) {
    sources.push({ id: 'default', stream: 'default', auth: 'none', enabled: true, dedup: 'id', trust: 1, policy });
  }
  if (open && !sources.some(({ id }) => id === SPOOL_SOURCE.id)) sources.push({ ...SPOOL_SOURCE });
  unique(sources, settings.label('INGEST_SOURCES_JSON'));
  const anchor = readAnchor(settings);
  const streams = allStreams(settings, sources, publish);
  return frozen({
    host,
    port: parsePort(overrides.port) ?? settings.integer('PORT', 8788, 0, 65_535),
    dataDir: resolve(overrides.data ?? settings.string('TIDEMARK_DATA') ?? 'tidemark-data'),
    publicUrl: parseUrl(settings.string('PUBLIC_URL')),
    sources,
    streams,
    visible: readVisibility(settings, streams, open),
    readTokens: readReadTokens(settings, streams),
    corsOrigins: readOrigins(settings),
    secrets: new Map(declared.flatMap(({ source, secret }) => (secret === undefined ? [] : [[source.id, secret]]))),
    limits: readLimits(settings),
    watch: readWatch(settings),
    anchor,
    headers: readHeaders(settings, anchor),
    witnesses: readWitnesses(settings),
    identity: { required: settings.boolean('IDENTITY_REQUIRED', true), accept: readForms(settings) },
    catalog: {
      advisors: readAdvisors(settings),
      shareBytes: settings.integer('CATALOG_SHARE_BYTES', 64 * 1024 * 1024, 1024, 1024 ** 4),
    },
    keyFiles: { identity: settings.string('IDENTITY_KEY_FILE'), log: settings.string('LOG_KEY_FILE') },
    subscriptions: readSubscriptions(settings),
    batches: readBatches(settings),
    searched: readSearched(settings, streams),
    minConfirmations: settings.integer('POLICY_MIN_CONFS', 1, 0, 1_000_000),
    bundleMaxDepth: settings.integer('BUNDLE_MAX_DEPTH', 10, 1, 1000),
    feedCacheTtlMs: settings.integer('FEED_CACHE_TTL_MS', 1000, 0, 3_600_000),
  });
}

/** Freezes plain objects and lists all the way down. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Map || value instanceof Set) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}

function readLimits(settings: Settings): IntakeLimits {
  const limits = {
    bodyBytes: settings.integer('INGEST_MAX_BODY_BYTES', 32 * 1024 * 1024, 1024, 512 * 1024 * 1024),
    eventsPerRequest: settings.integer('INGEST_MAX_EVENTS', 100_000, 1, 1_000_000),
    eventBytes: settings.integer('INGEST_MAX_EVENT_BYTES', 1024 * 1024, 256, 64 * 1024 * 1024),
    inFlightBytes: settings.integer('INGEST_MAX_IN_FLIGHT_BYTES', 128 * 1024 * 1024, 1024, 8 * 1024 * 1024 * 1024),
  };
  if (limits.inFlightBytes < limits.bodyBytes) {
    throw new ConfigError(
      'settings-contradict',
      'INGEST_MAX_IN_FLIGHT_BYTES is smaller than INGEST_MAX_BODY_BYTES: the largest body could never be taken',
    );
  }
  return limits;
}

function readSettings(env: Environment, overrides: Overrides): Settings {
  const path = overrides.config ?? (env.TIDEMARK_CONFIG || undefined);
  // A copy, for the configuration made of it is frozen.
  const given = structuredClone(overrides.settings) ?? (path === undefined ? {} : readConfigFile(path));
  const settings = new Settings(env, bySetting(given, path ?? 'settings'));
  for (const name of Object.keys(env)) {
    if (name.startsWith('TIDEMARK_') && !SUPPORTED.includes(name)) {
      throw new ConfigError('setting-unknown', `${name}: there is no such setting`);
    }
  }
  for (const name of TO_COME) {
    if (settings.has(name)) throw new ConfigError('setting-unsupported', `${name}: is not supported yet; unset it`);
  }
  return settings;
}

function readConfigFile(path: string): object {
  if (!existsSync(path)) throw invalid('configuration file', `${path} does not exist`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw invalid('configuration file', `${path} is not valid JSON`, cause);
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw invalid('configuration file', `${path} must hold one JSON object`);
}

/** The members of a configuration file under the names that the environment has for them. */
function bySetting(given: object, where: string): Map<string, FileSetting> {
  const values = new Map<string, FileSetting>();
  for (const [key, value] of Object.entries(given)) {
    const name = FILE_NAMES.get(key) ?? environmentName(key);
    if (name === 'TIDEMARK_CONFIG' || !(SUPPORTED.includes(name) || TO_COME.includes(name))) {
      throw new ConfigError('setting-unknown', `${where}: there is no setting "${key}"`);
    }
    if (values.has(name)) {
      throw new ConfigError('settings-contradict', `${where}: "${key}" is set under another spelling too`);
    }
    values.set(name, { label: `${where}: ${key}`, value });
  }
  return values;
}

/** Settings whose name in the file is not the environment's in camel case. */
const FILE_NAMES = new Map([
  ['sources', 'INGEST_SOURCES_JSON'],
  ['streams', 'STREAMS_JSON'],
  ['normalizePolicy', 'NORMALIZE_POLICY_JSON'],
  ['readTokens', 'READ_TOKENS_JSON'],
  ['data', 'TIDEMARK_DATA'],
]);

function allStreams(settings: Settings, sources: readonly Source[], publish: PublishPolicy): Stream[] {
  const label = settings.label('STREAMS_JSON');
  const declared = parseStreams(settings.json('STREAMS_JSON'), label, publish);
  unique(
    declared.map(({ stream }) => stream),
    label,
  );
  const fusionDefault = settings.json('FUSION_POLICY_JSON');
  const fusion =
    fusionDefault === undefined ? undefined : parseFusion(fusionDefault, settings.label('FUSION_POLICY_JSON'));
  const bufferMs = settings.integer('EVENT_BUFFER_MS', ORDER_DEFAULTS.bufferMs, 0, 86_400_000);
  const ids = new Set(declared.map(({ stream }) => stream.id));
  const implied = [...new Set(sources.map(({ stream }) => stream))]
    .filter((id) => !ids.has(id))
    .map((id): DeclaredStream => ({ stream: impliedStream(id, publish), order: undefined, unfused: false }));
  return [...declared, ...implied].map(({ stream, order, unfused }, index) => {
    const where = index < declared.length ? `${label}[${index}]` : `stream "${stream.id}"`;
    const feeding = sources.filter((source) => source.stream === stream.id);
    if (feeding.length === 0) {
      throw new ConfigError('settings-contradict', `${where}: no source feeds the stream "${stream.id}"`);
    }
    // The default is for streams that have something to fuse.
    const fused = fusion !== undefined && stream.fusion === undefined && !unfused && feeding.length > 1;
    const settled = fused ? { ...stream, fusion } : stream;
    refuseUnerasable(settled, feeding, where);
    return settleOrder(
      settled,
      order,
      feeding.map(({ id }) => id),
      bufferMs,
      where,
    );
  });
}

function unique(items: readonly { id: string }[], setting: string): void {
  const seen = new Set<string>();
  for (const { id } of items) {
    if (seen.has(id)) throw new ConfigError('settings-contradict', `${setting}: "${id}" is declared twice`);
    seen.add(id);
  }
}

function parsePort(flag: string | undefined): number | undefined {
  if (flag === undefined) return undefined;
  const port = Number(flag);
  if (!/^\d+$/.test(flag) || port > 65_535) throw invalid('--port', `must be a number from 0 to 65535, not ${flag}`);
  return port;
}

function parseUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid('PUBLIC_URL', `must be an http or https URL, not ${JSON.stringify(text)}`);
  }
  return url.origin;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
