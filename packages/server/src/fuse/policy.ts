/** Fusion policies: how several sources become one stream. See `contracts/http.md`. */
import { PolicyError } from '../policy/policy-error.ts';
import {
  entries,
  type Json,
  limitSize,
  list,
  noConflict,
  number,
  object,
  oneOf,
  onlyMembers,
  path,
} from '../policy/values.ts';

export type Strategy = (typeof STRATEGIES)[number];
const STRATEGIES = ['quorum', 'priority', 'weighted', 'median', 'latest', 'first'] as const;

export type TieBreaker = (typeof TIE_BREAKERS)[number];
const TIE_BREAKERS = ['priority', 'trust', 'eventTime', 'sourceId'] as const;

export interface FusionPolicy {
  strategy: Strategy;
  /** Payload paths whose values name what the events are about; without them, the external id does. */
  key?: string[];
  /** Events of the same key compete within buckets of this length in event time. */
  bucketMs?: number;
  /** `quorum`: sources that have to agree. */
  min?: number;
  /** How far apart numbers in a field may be and still agree. */
  tolerance?: Record<string, number>;
  /** Sources, the preferred first. */
  priority?: string[];
  /** `whole`: one event wins; `each`: every field is decided by itself. */
  fields?: 'whole' | 'each';
  tieBreakers?: TieBreaker[];
  /** How long, after its first event has arrived, a bucket may wait for the others. */
  deadlineMs?: number;
  onNoQuorum?: 'priority' | 'quarantine' | 'unresolved';
}

const MAX_KEY_FIELDS = 16;
const MAX_TOLERANCES = 1000;
/** Sources in a list, and votes that a quorum may ask for: as many as a fused leaf has room for inputs. */
const MAX_SOURCES = 256;
/** A leap year, in milliseconds. */
const MAX_DURATION_MS = 366 * 86_400_000;
/** Of the policy's canonical text, in characters. */
const MAX_POLICY_LENGTH = 262_144;

const SOURCE_ID = /^[a-z0-9][a-z0-9._-]{2,63}$/;
const MEMBERS = [
  'strategy',
  'key',
  'bucketMs',
  'min',
  'tolerance',
  'priority',
  'fields',
  'tieBreakers',
  'deadlineMs',
  'onNoQuorum',
];

/**
 * The value itself, once it is known to be a policy that can be applied as a whole.
 * @throws PolicyError
 */
export function parseFusionPolicy(value: unknown): FusionPolicy {
  const policy = object(value, '');
  limitSize(policy, MAX_POLICY_LENGTH, 'shorten it');
  onlyMembers(policy, '', MEMBERS);
  need(policy, 'strategy', 'every policy has one', `give one of ${STRATEGIES.join(', ')}`);
  oneOf(policy.strategy, STRATEGIES, 'strategy');
  if (policy.key !== undefined) keyFields(list(policy.key, 'key', MAX_KEY_FIELDS));
  if (policy.bucketMs !== undefined) integer(policy.bucketMs, 'bucketMs', MAX_DURATION_MS);
  if (policy.min !== undefined) integer(policy.min, 'min', MAX_SOURCES);
  if (policy.tolerance !== undefined) tolerances(object(policy.tolerance, 'tolerance'));
  if (policy.priority !== undefined) sources(list(policy.priority, 'priority', MAX_SOURCES));
  if (policy.fields !== undefined) oneOf(policy.fields, ['whole', 'each'], 'fields');
  if (policy.tieBreakers !== undefined) tieBreakers(list(policy.tieBreakers, 'tieBreakers', TIE_BREAKERS.length));
  if (policy.deadlineMs !== undefined) integer(policy.deadlineMs, 'deadlineMs', MAX_DURATION_MS);
  if (policy.onNoQuorum !== undefined) {
    oneOf(policy.onNoQuorum, ['priority', 'quarantine', 'unresolved'], 'onNoQuorum');
  }
  const parsed = policy as unknown as FusionPolicy;
  noContradiction(parsed);
  return parsed;
}

/**
 * Whether the policy can decide among these sources.
 * @param sources all that feed the stream
 * @throws PolicyError
 */
export function checkFusionSources(policy: FusionPolicy, sources: readonly string[]): void {
  const count = new Set(sources).size;
  if (count < 2) {
    const fed = count === 0 ? 'no source feeds the stream' : `only ${sources[0]} feeds the stream`;
    throw new PolicyError('too-few-sources', '', `${fed}, so nothing can be fused`, 'add sources or remove it');
  }
  if (policy.min !== undefined && policy.min > count) {
    const problem = `asks for ${policy.min} sources, and ${count} feed the stream`;
    throw new PolicyError('too-few-sources', 'min', problem, `give at most ${count}`);
  }
  policy.priority?.forEach((source, index) => {
    if (sources.includes(source)) return;
    const remedy = 'name sources whose stream this is';
    throw new PolicyError('unknown-source', `priority[${index}]`, `"${source}" does not feed the stream`, remedy);
  });
}

function noContradiction(policy: FusionPolicy): void {
  const { strategy, onNoQuorum } = policy;
  if (strategy === 'quorum') need(policy, 'min', 'a quorum has a size', 'say how many sources have to agree');
  for (const member of ['min', 'onNoQuorum'] as const) {
    if (strategy === 'quorum' || policy[member] === undefined) continue;
    throw new PolicyError('conflict', member, `never applies under strategy "${strategy}"`, 'leave it out');
  }
  const remedy = 'list the sources, the preferred first';
  if (strategy === 'priority') need(policy, 'priority', 'the strategy goes by it', remedy);
  if (onNoQuorum === 'priority') need(policy, 'priority', 'onNoQuorum goes by it', remedy);
  if (policy.tieBreakers?.includes('priority')) need(policy, 'priority', 'tieBreakers go by it', remedy);
}

function need(policy: object, member: string, why: string, remedy: string): void {
  if (Object.hasOwn(policy, member) && (policy as Json)[member] !== undefined) return;
  throw new PolicyError('missing-member', member, `is missing, and ${why}`, remedy);
}

function keyFields(fields: unknown[]): void {
  notEmpty(fields, 'key', 'leave it out, or name the paths of the key');
  fields.forEach((field, index) => {
    path(field, `key[${index}]`);
  });
  unique(fields, 'key');
}

function tolerances(value: Json): void {
  const all = entries(value, 'tolerance', MAX_TOLERANCES);
  for (const [field, by] of all) {
    const where = `tolerance.${field}`;
    path(field, where);
    if (number(by, where) < 0) throw new PolicyError('invalid-value', where, 'is below 0', 'give 0 or more');
  }
  noConflict(
    all.map(([field]) => field),
    'tolerance',
    'a field cannot both be a number and have members',
  );
}

function sources(ids: unknown[]): void {
  notEmpty(ids, 'priority', 'leave it out, or list the sources');
  ids.forEach((id, index) => {
    const where = `priority[${index}]`;
    if (typeof id !== 'string') throw new PolicyError('wrong-type', where, 'is not text', 'give a source id');
    if (SOURCE_ID.test(id)) return;
    throw new PolicyError('invalid-value', where, 'is no source id', `give one that matches ${SOURCE_ID.source}`);
  });
  unique(ids, 'priority');
}

function tieBreakers(names: unknown[]): void {
  notEmpty(names, 'tieBreakers', `leave it out for ${TIE_BREAKERS.join(', ')}`);
  names.forEach((name, index) => {
    oneOf(name, TIE_BREAKERS, `tieBreakers[${index}]`);
  });
  unique(names, 'tieBreakers');
}

function unique(items: unknown[], where: string): void {
  items.forEach((item, index) => {
    if (items.indexOf(item) === index) return;
    throw new PolicyError('invalid-value', `${where}[${index}]`, 'is there twice', 'name each once');
  });
}

function notEmpty(items: unknown[], where: string, remedy: string): void {
  if (items.length === 0) throw new PolicyError('invalid-value', where, 'is empty', remedy);
}

function integer(value: unknown, where: string, max: number): void {
  const given = number(value, where);
  if (Number.isInteger(given) && given >= 1 && given <= max) return;
  throw new PolicyError('invalid-value', where, `${given} is not in range`, `give a whole number, 1 to ${max}`);
}
