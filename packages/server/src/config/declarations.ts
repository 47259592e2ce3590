/** Sources and streams as declared in `INGEST_SOURCES_JSON` and `STREAMS_JSON`. */
import { type MappingPolicy, parsePolicy } from '../normalize/policy.ts';
import { type Classification, PUBLISH_DEFAULTS, type PublishPolicy, type Source, type Stream } from '../stream.ts';
import { invalid } from './settings.ts';

type Json = Record<string, unknown>;

const ID = /^[a-z0-9][a-z0-9._-]{2,63}$/;
/** These would hide behind routes of the same name. */
const RESERVED = new Set(['events', 'feed', 'keys', 'conflicts']);
const SOURCE_MEMBERS = ['id', 'name', 'type', 'secret', 'auth', 'stream', 'policy', 'dedup', 'enabled'];
/** Declared in the contract, and not built yet: refused rather than ignored, since each would change what is safe. */
const SOURCE_MEMBERS_TO_COME = ['allowlist', 'limits', 'trust'];
const STREAM_MEMBERS = ['id', 'datasetId', 'description', 'publish', 'policy'];
const STREAM_MEMBERS_TO_COME = ['fusion', 'salted', 'visibility'];
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

export function parseStreams(value: unknown, setting: string, publish: PublishPolicy): Stream[] {
  return list(value, setting).map((item, index) => parseStream(item, `${setting}[${index}]`, publish));
}

/** What a stream is when only a source names it. */
export function impliedStream(id: string, publish: PublishPolicy): Stream {
  return { id, datasetId: id, publish, policy: { license: 'proprietary', classification: 'internal' } };
}

export function parseMapping(value: unknown, where: string): MappingPolicy {
  try {
    return parsePolicy(value);
  } catch (cause) {
    throw invalid(where, cause instanceof Error ? cause.message : String(cause), cause);
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
    dedup: choice(item.dedup ?? 'id', ['id', 'content'], `${where}.dedup`),
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
  onlyMembers(item, where, STREAM_MEMBERS, STREAM_MEMBERS_TO_COME);
  const stream = impliedStream(identifier(item.id, `${where}.id`), publish);
  if (item.datasetId !== undefined) stream.datasetId = text(item.datasetId, `${where}.datasetId`, 3);
  if (item.description !== undefined) stream.description = text(item.description, `${where}.description`);
  if (item.publish !== undefined) stream.publish = parsePublish(object(item.publish, `${where}.publish`), where);
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
  onlyMembers(item, where, ['mode', 'maxEvents', 'maxAgeMs'], ['windowMs']);
  const defaults = PUBLISH_DEFAULTS[choice(item.mode ?? 'live', ['live', 'batch'], `${where}.mode`)];
  return {
    mode: defaults.mode,
    maxEvents: integer(item.maxEvents ?? defaults.maxEvents, `${where}.maxEvents`, 1, 1_000_000),
    maxAgeMs: integer(item.maxAgeMs ?? defaults.maxAgeMs, `${where}.maxAgeMs`, 10, 86_400_000),
  };
}

function list(value: unknown, where: string): Json[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(where, 'must be a list');
  return value.map((item, index) => object(item, `${where}[${index}]`));
}

function object(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(where, 'must be an object');
  return value as Json;
}

function onlyMembers(item: Json, where: string, known: readonly string[], toCome: readonly string[]): void {
  for (const member of Object.keys(item)) {
    if (toCome.includes(member)) throw invalid(`${where}.${member}`, 'is not supported yet; leave it out');
    if (!known.includes(member)) throw invalid(`${where}.${member}`, `is unknown; known are ${known.join(', ')}`);
  }
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

function text(value: unknown, where: string, minimum = 1): string {
  if (typeof value !== 'string' || value.length < minimum || value.length > 4096 || !value.isWellFormed()) {
    throw invalid(where, `must be text of ${minimum} to 4096 characters`);
  }
  return value;
}

function boolean(value: unknown, where: string): boolean {
  if (typeof value !== 'boolean') throw invalid(where, 'must be true or false');
  return value;
}

function integer(value: unknown, where: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(where, `must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function choice<T extends string>(value: unknown, values: readonly T[], where: string): T {
  const found = values.find((candidate) => candidate === value);
  if (found === undefined) throw invalid(where, `must be one of ${values.join(', ')}`);
  return found;
}
