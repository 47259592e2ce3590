/** Sources and streams as declared in `INGEST_SOURCES_JSON` and `STREAMS_JSON`. */
import { type MappingPolicy, parsePolicy } from '../normalize/policy.ts';
import { PolicyError } from '../policy/policy-error.ts';
import { type Classification, PUBLISH_DEFAULTS, type PublishPolicy, type Source, type Stream } from '../stream.ts';
import { type DeclaredOrder, parseFusion, parseOrder } from './fusing.ts';
import { boolean, choice, integer, type Json, list, number, object, onlyMembers, text } from './members.ts';
import { parseRollup } from './rollup.ts';
import { invalid } from './settings.ts';

const ID = /^[a-z0-9][a-z0-9._-]{2,63}$/;
/** These would hide behind routes of the same name. */
const RESERVED = new Set(['events', 'feed', 'keys', 'conflicts']);
const SOURCE_MEMBERS = ['id', 'name', 'type', 'secret', 'auth', 'stream', 'policy', 'trust', 'dedup', 'enabled'];
/** Declared in the contract, and not built yet: refused rather than ignored, since each would change what is safe. */
const SOURCE_MEMBERS_TO_COME = ['allowlist', 'limits'];
const STREAM_MEMBERS = [
  'id',
  'datasetId',
  'description',
  'publish',
  'fusion',
  'order',
  'rollup',
  'salted',
  'policy',
  'visibility',
  'search',
];
const CLASSIFICATIONS: readonly Classification[] = ['public', 'internal', 'restricted', 'clinical-research'];

export interface SourceDefaults {
  policy: MappingPolicy;
  /** Whether a source without a secret is open: on a loopback bind alone. */
  open: boolean;
}

export interface DeclaredSource {
  source: Source;
  secret?: string;
}

export function parseSources(value: unknown, setting: string, defaults: SourceDefaults): DeclaredSource[] {
  return list(value, setting).map((item, index) => parseSource(item, `${setting}[${index}]`, defaults));
}

/** A stream as it is declared; how it orders its events is settled when its sources are known. */
export interface DeclaredStream {
  stream: Stream;
  order: DeclaredOrder | undefined;
  /** Declared to have none, whatever the default is. */
  unfused: boolean;
}

export function parseStreams(value: unknown, setting: string, publish: PublishPolicy): DeclaredStream[] {
  return list(value, setting).map((item, index) => {
    const where = `${setting}[${index}]`;
    const stream = parseStream(item, where, publish);
    const order =
      item.order === undefined ? undefined : parseOrder(object(item.order, `${where}.order`), `${where}.order`);
    return { stream, order, unfused: item.fusion === null };
  });
}

/** What a stream is when only a source names it. */
export function impliedStream(id: string, publish: PublishPolicy): Stream {
  return { id, datasetId: id, publish, policy: { license: 'proprietary', classification: 'internal' } };
}

export function parseMapping(value: unknown, where: string): MappingPolicy {
  try {
    return parsePolicy(value);
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause;
    throw invalid(where, cause.message, cause);
  }
}

function parseSource(item: Json, where: string, defaults: SourceDefaults): DeclaredSource {
  onlyMembers(item, where, SOURCE_MEMBERS, SOURCE_MEMBERS_TO_COME);
  const id = identifier(item.id, `${where}.id`);
  const type = item.type ?? 'webhook';
  if (type !== 'webhook') throw invalid(`${where}.type`, `"${String(type)}" is not supported yet; use "webhook"`);
  const secret = item.secret === undefined ? undefined : text(item.secret, `${where}.secret`);
  const source: Source = {
    id,
    stream: item.stream === undefined ? id : identifier(item.stream, `${where}.stream`),
    auth: parseAuth(item.auth, secret, where, defaults.open),
    enabled: boolean(item.enabled ?? true, `${where}.enabled`),
    trust: number(item.trust ?? 1, `${where}.trust`, 0, 1),
    dedup: choice(item.dedup ?? 'id', ['id', 'content', 'first'], `${where}.dedup`),
    policy: item.policy === undefined ? defaults.policy : parseMapping(item.policy, `${where}.policy`),
  };
  if (item.name !== undefined) source.name = text(item.name, `${where}.name`);
  return secret === undefined ? { source } : { source, secret };
}

function parseAuth(value: unknown, secret: string | undefined, where: string, open: boolean): Source['auth'] {
  const auth = choice(value ?? (secret === undefined ? 'none' : 'bearer'), ['bearer', 'none'], `${where}.auth`);
  if (auth === 'bearer' && secret === undefined) throw invalid(where, 'auth "bearer" needs a "secret"');
  if (auth === 'none' && secret !== undefined) throw invalid(where, 'has a "secret", but auth "none" would ignore it');
  if (auth === 'none' && value === undefined && !open) {
    throw invalid(where, 'needs a "secret": without one it would be open, and this server is reachable from outside');
  }
  return auth;
}

function parseStream(item: Json, where: string, publish: PublishPolicy): Stream {
  onlyMembers(item, where, STREAM_MEMBERS, []);
  const stream = impliedStream(identifier(item.id, `${where}.id`), publish);
  if (item.datasetId !== undefined) stream.datasetId = text(item.datasetId, `${where}.datasetId`, 3);
  if (item.description !== undefined) stream.description = text(item.description, `${where}.description`);
  if (item.publish !== undefined) stream.publish = parsePublish(object(item.publish, `${where}.publish`), where);
  if (item.fusion !== undefined && item.fusion !== null) stream.fusion = parseFusion(item.fusion, `${where}.fusion`);
  if (item.rollup !== undefined) {
    stream.rollup = parseRollup(object(item.rollup, `${where}.rollup`), `${where}.rollup`, stream.publish);
  }
  if (item.salted !== undefined && boolean(item.salted, `${where}.salted`)) stream.salted = true;
  if (item.policy !== undefined) {
    const policy = object(item.policy, `${where}.policy`);
    onlyMembers(policy, `${where}.policy`, ['license', 'classification'], ['pii_flags']);
    stream.policy = {
      license: text(policy.license, `${where}.policy.license`),
      classification: choice(policy.classification, CLASSIFICATIONS, `${where}.policy.classification`),
    };
  }
  return stream;
}

function parsePublish(item: Json, stream: string): PublishPolicy {
  const where = `${stream}.publish`;
  onlyMembers(item, where, ['mode', 'maxEvents', 'maxAgeMs', 'windowMs'], []);
  const defaults = PUBLISH_DEFAULTS[choice(item.mode ?? 'live', ['live', 'batch'], `${where}.mode`)];
  const publish: PublishPolicy = {
    mode: defaults.mode,
    maxEvents: integer(item.maxEvents ?? defaults.maxEvents, `${where}.maxEvents`, 1, 1_000_000),
    maxAgeMs: integer(item.maxAgeMs ?? defaults.maxAgeMs, `${where}.maxAgeMs`, 10, 86_400_000),
  };
  if (item.windowMs !== undefined) publish.windowMs = integer(item.windowMs, `${where}.windowMs`, 10, 366 * 86_400_000);
  return publish;
}

function identifier(value: unknown, where: string): string {
  if (typeof value !== 'string' || !ID.test(value)) {
    throw invalid(where, 'must be 3 to 64 characters of a-z 0-9 . _ -, the first a letter or digit');
  }
  // Manifests name sources as keys, and the wider system's canonical form reorders keys that are numbers.
  if (/^\d+$/.test(value)) throw invalid(where, 'needs at least one character that is not a digit');
  if (RESERVED.has(value)) throw invalid(where, `"${value}" is reserved`);
  return value;
}
