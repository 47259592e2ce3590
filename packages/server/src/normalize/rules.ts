/** What a policy asks of the payload's fields, compiled: presence, kinds, bounds. */
import { type JsonObject, type JsonValue, UnsafeNumber } from '../json/parse.ts';
import { COERCERS, type Coercer, toNumber } from './coerce.ts';
import { addIssue, shown } from './issues.ts';
import type { Bounds, CoercionKind, MappingPolicy } from './policy.ts';

/** RFC 8785 text of the payload that a policy makes of an event. */
export type PayloadWriter = (event: JsonObject, issues: string[]) => string;

/** One value for each field, by slot. Coercions replace them; a value that cannot be coerced stays as it came. */
export type Slots = (JsonValue | undefined)[];

/** Issues come in a fixed order: missing fields as the policy lists them, then the rest field by field. */
export type Rules = (slots: Slots, issues: string[]) => void;

interface FieldRule {
  slot: number;
  field: string;
  coerce: Coercer | undefined;
  bounds: Bounds | undefined;
}

/** @param names of the fields in the slots, sorted, so that a policy's key order, which its hash hides, has no effect */
export function compileRules(policy: MappingPolicy, names: readonly string[]): Rules {
  const kinds = coercionsOf(policy);
  const bounds = new Map(Object.entries(policy.constraints?.bounds ?? {}));
  const slotOf = new Map(names.map((name, slot) => [name, slot]));
  const required = [...new Set(policy.required)].map((field) => ({ field, slot: slotOf.get(field) as number }));
  const checked: FieldRule[] = names.map((field, slot) => {
    const kind = kinds.get(field);
    return { slot, field, coerce: kind && COERCERS[kind], bounds: bounds.get(field) };
  });
  const rules = checked.filter((rule) => rule.coerce !== undefined || rule.bounds !== undefined);
  return (slots, issues) => {
    for (const { slot, field } of required) {
      if (slots[slot] === undefined || slots[slot] === null) addIssue(issues, 'required-missing', field);
    }
    for (const rule of rules) {
      const value = slots[rule.slot];
      if (value !== undefined && value !== null) slots[rule.slot] = apply(rule, value, issues);
    }
  };
}

export function coercionsOf(policy: MappingPolicy): Map<string, CoercionKind> {
  return new Map(Object.entries(policy.coerce ?? policy.coercion ?? {}));
}

function apply({ field, coerce, bounds }: FieldRule, raw: JsonValue, issues: string[]): JsonValue {
  const value = coerce === undefined ? raw : coerce(raw);
  if (value === undefined) {
    addIssue(issues, 'coercion-NaN', field, shown(raw));
    return raw;
  }
  if (bounds !== undefined) checkBounds(field, value, bounds, issues);
  return value;
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
