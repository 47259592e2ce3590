/** `constraints`, but for the insides of `schema`. */

import { PolicyError } from '../../policy/policy-error.ts';
import {
  entries,
  type Json,
  knownFields,
  list,
  MAX_FIELDS,
  number,
  object,
  oneOf,
  onlyMembers,
  safeNumbers,
  text,
} from '../../policy/values.ts';
import { compilePattern } from '../pattern.ts';
import { shapeSchema } from '../schema/shape.ts';

export const COMPARE_OPS = ['<', '<=', '>', '>=', '==', '!='] as const;

const MEMBERS = ['bounds', 'enum', 'pattern', 'compare', 'schema', 'monotonicFields', 'monotonicKey'];
const MAX_COMPARISONS = 1000;
const MAX_PATTERNS = 100;
/** Of one field. All of them together are limited by the size of the policy. */
const MAX_VALUES = 10_000;

type Known = ReadonlySet<string> | undefined;

export function validateConstraints(constraints: Json, known: Known): void {
  onlyMembers(constraints, 'constraints', MEMBERS);
  eachField(constraints, 'bounds', known, MAX_FIELDS, validateBounds);
  eachField(constraints, 'enum', known, MAX_FIELDS, validateEnum);
  eachField(constraints, 'pattern', known, MAX_PATTERNS, (pattern, where) => {
    compilePattern(text(pattern, where), where);
  });
  if (constraints.compare !== undefined) {
    const comparisons = list(constraints.compare, 'constraints.compare', MAX_COMPARISONS);
    comparisons.forEach((item, index) => {
      validateComparison(item, `constraints.compare[${index}]`, known);
    });
  }
  if (constraints.schema !== undefined) shapeSchema(constraints.schema, 'constraints.schema');
  validateMonotonic(constraints, known);
}

function eachField(
  constraints: Json,
  member: string,
  known: Known,
  limit: number,
  validate: (value: unknown, where: string) => void,
): void {
  if (constraints[member] === undefined) return;
  const where = `constraints.${member}`;
  const rules = entries(object(constraints[member], where), where, limit);
  knownFields(
    rules.map(([field]) => field),
    where,
    known,
  );
  for (const [field, rule] of rules) validate(rule, `${where}.${field}`);
}

function validateBounds(value: unknown, where: string): void {
  const bounds = object(value, where, 'give {"min": …, "max": …}');
  onlyMembers(bounds, where, ['min', 'max']);
  const [min, max] = ['min', 'max'].map((member) =>
    bounds[member] === undefined ? undefined : number(bounds[member], `${where}.${member}`),
  );
  if (min === undefined && max === undefined) {
    throw new PolicyError('invalid-value', where, 'bounds nothing', 'give min, max or both');
  }
  if (min !== undefined && max !== undefined && min > max) {
    throw new PolicyError('conflict', where, `min ${min} is above max ${max}`, 'no value could pass; swap them');
  }
}

function validateEnum(value: unknown, where: string): void {
  const values = list(value, where, MAX_VALUES);
  if (values.length === 0) throw new PolicyError('invalid-value', where, 'is empty', 'no value could pass; give some');
  safeNumbers(values, where);
}

function validateComparison(value: unknown, where: string, known: Known): void {
  const comparison = object(value, where, 'give {"left": …, "op": …, "right": …}');
  onlyMembers(comparison, where, ['left', 'op', 'right']);
  knownFields([comparison.left], `${where}.left`, known);
  oneOf(comparison.op, COMPARE_OPS, `${where}.op`);
  const { right } = comparison;
  if (typeof right === 'string') {
    knownFields([right], `${where}.right`, known);
    return;
  }
  const constant = object(right, `${where}.right`, 'give a field, or {"const": …}');
  onlyMembers(constant, `${where}.right`, ['const']);
  validateConstant(constant.const, comparison.op as string, `${where}.right.const`);
}

function validateConstant(value: unknown, op: string, where: string): void {
  const equality = op === '==' || op === '!=';
  if (typeof value === 'boolean' && !equality) {
    throw new PolicyError('conflict', where, `${value} has no order`, 'compare it with == or !=');
  }
  if (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean') {
    throw new PolicyError('wrong-type', where, 'is neither number, text nor boolean', 'give one of these');
  }
  safeNumbers(value, where);
}

function validateMonotonic(constraints: Json, known: Known): void {
  for (const member of ['monotonicFields', 'monotonicKey']) {
    if (constraints[member] === undefined) continue;
    const where = `constraints.${member}`;
    const fields = list(constraints[member], where, MAX_FIELDS);
    if (fields.length === 0) throw new PolicyError('invalid-value', where, 'is empty', 'name fields, or leave it out');
    knownFields(fields, where, known);
  }
  if (constraints.monotonicKey !== undefined && constraints.monotonicFields === undefined) {
    const problem = 'keys nothing without monotonicFields';
    throw new PolicyError('conflict', 'constraints.monotonicKey', problem, 'add monotonicFields, or leave it out');
  }
}
