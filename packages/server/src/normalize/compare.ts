/** Relations between two fields of an event, or a field and a constant. */
import { type JsonValue, UnsafeNumber } from '../json/parse.ts';
import { addIssue, shown } from './issues.ts';
import type { CompareOp, Comparison } from './policy.ts';
import type { Slots } from './rules.ts';

type Scalar = number | string | boolean;
type Check = (slots: Slots, issues: string[]) => void;

/** The relation that a value is in where it is not in the wanted one, as an issue says it: `low:21>20`. */
const OPPOSITE: Readonly<Record<CompareOp, CompareOp>> = {
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '==': '!=',
  '!=': '==',
};

/** @param slotOf every field that the comparison names */
export function compileComparison(comparison: Comparison, slotOf: ReadonlyMap<string, number>): Check {
  const { left, op, right } = comparison;
  const leftSlot = slotOf.get(left) as number;
  const operand = typeof right === 'string' ? (slotOf.get(right) as number) : undefined;
  const constant = typeof right === 'string' ? undefined : right.const;
  return (slots, issues) => {
    const a = slots[leftSlot] ?? undefined;
    const b = operand === undefined ? constant : (slots[operand] ?? undefined);
    if (a === undefined || b === undefined) return;
    const x = comparable(a);
    const y = comparable(b);
    const alike = areAlike(x, y, op);
    if (alike && holds(x as Scalar, op, y as Scalar)) return;
    addIssue(issues, 'compare', left, `${shown(a)}${alike ? OPPOSITE[op] : '?'}${shown(b)}`);
  };
}

function comparable(value: JsonValue): JsonValue {
  return value instanceof UnsafeNumber ? Number(value.source) : value;
}

/** Other types are in none of the relations. */
function areAlike(a: JsonValue, b: JsonValue, op: CompareOp): boolean {
  if (typeof a !== typeof b || typeof a === 'object') return false;
  return typeof a !== 'boolean' || op === '==' || op === '!=';
}

function holds(a: Scalar, op: CompareOp, b: Scalar): boolean {
  switch (op) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '==':
      return a === b;
    case '!=':
      return a !== b;
  }
}
