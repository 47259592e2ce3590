/** What a policy asks of the payload's fields, compiled: presence, kinds, values, and relations between them. */
import { type JsonObject, type JsonValue, UnsafeNumber } from '../json/parse.ts';
import { type Coercer, compileCoercion, toNumber } from './coerce.ts';
import { compileComparison } from './compare.ts';
import { compileEnumeration, type Enumeration } from './enumeration.ts';
import { addIssue, shown } from './issues.ts';
import { compilePattern, MAX_PATTERN_WORK, type Pattern } from './pattern.ts';
import type { Bounds, Coercion, Constraints, MappingPolicy } from './policy.ts';

/** RFC 8785 text of the payload that a policy makes of an event. */
export type PayloadWriter = (event: JsonObject, issues: string[]) => string;

/** One value for each field, by slot. Coercions replace them; a value that cannot be coerced stays as it came. */
export type Slots = (JsonValue | undefined)[];

/**
 * Issues come in a fixed order: missing fields as the policy lists them, then kinds, bounds, values and patterns field
 * by field, then comparisons as the policy lists them.
 */
export type Rules = (slots: Slots, issues: string[]) => void;

interface FieldRule {
  slot: number;
  field: string;
  coerce: Coercer | undefined;
  bounds: Bounds | undefined;
  values: Enumeration | undefined;
  pattern: Pattern | undefined;
}

/** @param names of the fields in the slots, sorted, so that a policy's key order, which its hash hides, has no effect */
export function compileRules(policy: MappingPolicy, names: readonly string[]): Rules {
  const slotOf = new Map(names.map((name, slot) => [name, slot]));
  const required = [...new Set(policy.required)].map((field) => ({ field, slot: slotOf.get(field) as number }));
  const rules = fieldRules(policy, names);
  const comparisons = (policy.constraints?.compare ?? []).map((item) => compileComparison(item, slotOf));
  return (slots, issues) => {
    for (const { slot, field } of required) {
      if (slots[slot] === undefined || slots[slot] === null) addIssue(issues, 'required-missing', field);
    }
    let work = MAX_PATTERN_WORK;
    for (const rule of rules) {
      const raw = slots[rule.slot];
      if (raw === undefined || raw === null) continue;
      const value = rule.coerce === undefined ? raw : rule.coerce(raw);
      if (value === undefined) {
        addIssue(issues, 'coercion-NaN', rule.field, shown(raw));
        continue;
      }
      slots[rule.slot] = value;
      if (rule.pattern !== undefined && typeof value === 'string') work -= rule.pattern.work(value);
      check(rule, value, work >= 0, issues);
    }
    for (const compare of comparisons) compare(slots, issues);
  };
}

function fieldRules(policy: MappingPolicy, names: readonly string[]): FieldRule[] {
  const { constraints = {} } = policy;
  const coercions = coercionsOf(policy);
  const bounds = new Map(Object.entries(constraints.bounds ?? {}));
  const values = new Map(Object.entries(constraints.enum ?? {}));
  const patterns = new Map(Object.entries(constraints.pattern ?? {}));
  return names.flatMap((field, slot) => {
    const kind = coercions.get(field);
    const allowed = values.get(field);
    const pattern = patterns.get(field);
    const rule = {
      coerce: kind && compileCoercion(kind),
      bounds: bounds.get(field),
      values: allowed && compileEnumeration(allowed),
      pattern: pattern === undefined ? undefined : compilePattern(pattern, `constraints.pattern.${field}`),
    };
    const asksNothing = Object.values(rule).every((part) => part === undefined);
    return asksNothing ? [] : [{ slot, field, ...rule }];
  });
}

export function coercionsOf(policy: MappingPolicy): Map<string, Coercion> {
  return new Map(Object.entries(policy.coerce ?? policy.coercion ?? {}));
}

/** Fields that the constraints are about. */
export function constrainedFields({ bounds, enum: values, pattern, compare = [] }: Constraints): string[] {
  const compared = compare.flatMap(({ left, right }) => (typeof right === 'string' ? [left, right] : [left]));
  return [bounds, values, pattern].flatMap((rules) => Object.keys(rules ?? {})).concat(compared);
}

/** @param inWork whether the patterns may look at the value */
function check(rule: FieldRule, value: JsonValue, inWork: boolean, issues: string[]): void {
  const { field, bounds, values, pattern } = rule;
  if (bounds !== undefined) checkBounds(field, value, bounds, issues);
  if (values !== undefined && !values(value)) addIssue(issues, 'enum', field, shown(value));
  if (pattern === undefined) return;
  // As with bounds, what is of another type is not within what the policy allows.
  const matches = typeof value === 'string' && inWork && pattern.test(value);
  if (!matches) addIssue(issues, 'pattern', field, shown(value));
}

/** Decimal text is compared as the number it means; what is no number cannot be within bounds. */
function checkBounds(field: string, value: JsonValue, { min, max }: Bounds, issues: string[]): void {
  const exact = typeof value === 'number' ? value : toNumber(value);
  if (exact === undefined) {
    addIssue(issues, 'coercion-NaN', field, shown(value));
    return;
  }
  const number = exact instanceof UnsafeNumber ? Number(exact.source) : exact;
  if (min !== undefined && number < min) addIssue(issues, 'bounds-min', field, `${number}<${min}`);
  if (max !== undefined && number > max) addIssue(issues, 'bounds-max', field, `${number}>${max}`);
}
