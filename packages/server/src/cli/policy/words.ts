/** What a mapping policy does, in words: a line for each field and for each rule about the whole event. */
import { canonicalize } from '@tidemark/proof';
import { DEFAULT_TIME_FIELDS } from '../../json/time.ts';
import type { Bounds, Coercion, Comparison, MappingPolicy, MapSource } from '../../normalize/policy.ts';

/** A name, and what holds for it. */
export type Line = [name: string, says: string];

export function describePolicy(policy: MappingPolicy): Line[] {
  const rules = fieldRules(policy);
  const map = Object.entries(policy.map ?? {});
  const lines: Line[] = map.map(([field, source]) => [field, [origin(source), ...(rules.get(field) ?? [])].join(', ')]);
  if (map.length === 0) {
    lines.push(['(event)', 'passes through whole']);
    for (const [field, says] of rules) lines.push([field, says.join(', ')]);
  }
  return [...lines, ...wholeRules(policy)];
}

/** Fields that rules are about, each with its rules in words. */
export function fieldRules({ coerce, coercion, required, constraints = {} }: MappingPolicy): Map<string, string[]> {
  const rules = new Map<string, string[]>();
  const add = (field: string, says: string) => {
    rules.set(field, [...(rules.get(field) ?? []), says]);
  };
  const { bounds = {}, enum: choices = {}, pattern = {}, monotonicFields = [] } = constraints;
  for (const [field, kind] of Object.entries(coerce ?? coercion ?? {})) add(field, `as ${coercionInWords(kind)}`);
  for (const field of new Set(required)) add(field, 'required');
  for (const [field, limits] of Object.entries(bounds)) add(field, within(limits));
  for (const [field, values] of Object.entries(choices)) add(field, `one of ${canonicalize(values)}`);
  for (const [field, expression] of Object.entries(pattern)) add(field, `like /${expression}/`);
  for (const field of monotonicFields) add(field, 'never falling in the order of the log');
  return rules;
}

export function coercionInWords(coercion: Coercion): string {
  if (typeof coercion === 'string') return coercion;
  if ('unit' in coercion) return `timestamp, counts in ${coercion.unit}`;
  const { kind, factor, offset = 0 } = coercion;
  return offset === 0 ? `${kind} × ${factor}` : `${kind} × ${factor} ${offset < 0 ? '−' : '+'} ${Math.abs(offset)}`;
}

function within({ min, max }: Bounds): string {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `from ${min} to ${max}`;
}

function origin(source: MapSource): string {
  if (typeof source === 'string') return `from ${source}`;
  if ('const' in source) return `always ${canonicalize(source.const)}`;
  return source.default === undefined
    ? `from ${source.path}`
    : `from ${source.path}, or else ${canonicalize(source.default)}`;
}

function wholeRules({ constraints = {}, idFrom, timeField, redact, hash, pii = {}, onIssue }: MappingPolicy): Line[] {
  const { compare = [], schema, monotonicKey } = constraints;
  return [
    ...compare.map((comparison): Line => ['(compare)', inWords(comparison)]),
    ...line('(schema)', schema && 'the payload fits a JSON Schema'),
    ...line('(order)', monotonicKey && `what may not fall is counted for each ${monotonicKey.join(' + ')}`),
    ...line('(redact)', redact?.join(', ')),
    ...line('(hash)', hash?.join(', ')),
    ...line('(pii redact)', pii.redact?.join(', ')),
    ...line('(pii hash)', pii.hash?.join(', ')),
    ...line('(pii mask)', pii.mask?.join(', ')),
    ['(id)', `from ${idFrom?.join(' + ') ?? 'eventId, or else id'}`],
    ['(time)', `from ${timeField ?? DEFAULT_TIME_FIELDS.join(', or else ')}`],
    ['(issues)', onIssue === 'certify' ? 'certified in spite of them' : 'quarantined'],
  ];
}

function line(name: string, says: string | undefined): Line[] {
  return says === undefined ? [] : [[name, says]];
}

function inWords({ left, op, right }: Comparison): string {
  return `${left} ${op} ${typeof right === 'string' ? right : canonicalize(right.const)}`;
}
