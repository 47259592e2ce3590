/** `map`, and `coerce` in both spellings. */
import { PolicyError } from '../../policy/policy-error.ts';
import {
  entries,
  type Json,
  knownFields,
  noConflict,
  number,
  object,
  oneOf,
  onlyMembers,
  path,
  safeNumbers,
} from '../../policy/values.ts';

export const COERCION_KINDS = [
  'string',
  'number',
  'integer',
  'boolean',
  'iso8601',
  'iso8601->epoch',
  'timestamp',
] as const;
export const TIME_UNITS = ['s', 'ms', 'us', 'ns'] as const;

/** The fields that the map makes. */
export function validateMap(map: Json): string[] {
  const outputs = entries(map, 'map');
  const names = outputs.map(([field]) => field);
  noConflict(names, 'map');
  for (const [field, source] of outputs) {
    const where = `map.${field}`;
    if (typeof source === 'string') path(source, where);
    else validateSource(object(source, where, 'give a raw path, {"const": …} or {"path": …, "default": …}'), where);
  }
  return names;
}

function validateSource(source: Json, where: string): void {
  onlyMembers(source, where, 'const' in source ? ['const'] : ['path', 'default']);
  if (!('const' in source)) path(source.path, `${where}.path`);
  for (const member of ['const', 'default']) {
    if (member in source) safeNumbers(source[member], `${where}.${member}`);
  }
}

export function validateCoercions(policy: Json, known: ReadonlySet<string> | undefined): void {
  if (policy.coerce !== undefined && policy.coercion !== undefined) {
    const problem = 'stands beside coerce, of which it is a spelling';
    throw new PolicyError('conflict', 'coercion', problem, 'keep one of them');
  }
  for (const member of ['coerce', 'coercion']) {
    if (policy[member] === undefined) continue;
    const kindOf = entries(object(policy[member], member), member);
    const names = kindOf.map(([field]) => field);
    knownFields(names, member, known);
    noConflict(names, member);
    for (const [field, kind] of kindOf) validateCoercion(kind, `${member}.${field}`);
  }
}

function validateCoercion(kind: unknown, where: string): void {
  if (typeof kind === 'string') oneOf(kind, COERCION_KINDS, where);
  else validateUnits(object(kind, where, `give one of ${COERCION_KINDS.join(', ')}, or {"kind": …} and a unit`), where);
}

function validateUnits(coercion: Json, where: string): void {
  oneOf(coercion.kind, ['timestamp', 'number', 'integer'], `${where}.kind`);
  if (coercion.kind === 'timestamp') {
    onlyMembers(coercion, where, ['kind', 'unit']);
    oneOf(coercion.unit, TIME_UNITS, `${where}.unit`);
    return;
  }
  onlyMembers(coercion, where, ['kind', 'factor', 'offset']);
  if (number(coercion.factor, `${where}.factor`) === 0) {
    throw new PolicyError('invalid-value', `${where}.factor`, 'is 0', 'all values would become one; give a factor');
  }
  if (coercion.offset !== undefined) number(coercion.offset, `${where}.offset`);
}
