/** Values as Go's `fmt` prints them. */
import { verbOnBool, verbOnFloat, verbOnInt, verbOnString } from './basic-verbs.ts';
import { Refusal } from './errors.ts';
import { type Flags, noFlags, padded } from './flags.ts';
import { stringOf } from './methods.ts';
import { GoInt, type GoList, type GoMap, isList, isMap, typeName, type Value } from './values.ts';

const NIL = '<nil>';
/** Those under which a value's own `String` method speaks for it. */
const STRING_VERBS = /^[vsxXq]$/;

/** `print`: with a space between two operands of which neither is a string. */
export function sprint(args: readonly Value[]): string {
  let written = '';
  for (const [index, arg] of args.entries()) {
    if (index > 0 && typeof arg !== 'string' && typeof args[index - 1] !== 'string') written += ' ';
    written += format(arg, 'v', noFlags());
  }
  return written;
}

export function sprintln(args: readonly Value[]): string {
  return `${args.map((arg) => format(arg, 'v', noFlags())).join(' ')}\n`;
}

/** @param verb a character, in bytes */
export function format(arg: Value, verb: string, flags: Flags): string {
  if (arg === undefined || arg === null)
    return verb === 'T' || verb === 'v' ? padded(NIL, flags) : badVerb(arg, verb, flags);
  if (verb === 'T') return verbOnString(typeName(arg), 's', flags) ?? '';
  if (verb !== 'p') return formatValue(arg, verb, flags, true);
  if (isList(arg) || isMap(arg)) throw new Refusal('unsupported', '%p, as there are no addresses here');
  return badVerb(arg, verb, flags);
}

/** @param methods false within what is said of a verb that does not apply, where no method is asked */
function formatValue(value: Value, verb: string, flags: Flags, methods: boolean): string {
  if (value === undefined || value === null) return flags.source ? 'interface {}(nil)' : NIL;
  const basic = formatBasic(value, verb, flags, methods);
  if (basic !== undefined) return basic;
  if (methods && verb === 'w' && typeof value === 'object') return badVerb(value, verb, flags);
  if (isList(value)) return formatList(value, verb, flags, methods);
  if (isMap(value)) return formatMap(value, verb, flags, methods);
  if (typeof value !== 'object' || value instanceof GoInt) return badVerb(value, verb, flags);
  throw new Refusal('unsupported', `a time cannot be printed with %${flags.source ? '#' : ''}${verb}`);
}

function formatBasic(value: Value, verb: string, flags: Flags, methods: boolean): string | undefined {
  const own = methods && !flags.source && STRING_VERBS.test(verb) ? stringOf(value) : undefined;
  if (own !== undefined) return verbOnString(own, verb, flags);
  if (typeof value === 'boolean') return verbOnBool(value, verb, flags);
  if (typeof value === 'number') return verbOnFloat(value, verb, flags);
  if (typeof value === 'string') return verbOnString(value, verb, flags);
  return value instanceof GoInt ? verbOnInt(value, verb, flags) : undefined;
}

function formatList(list: GoList, verb: string, flags: Flags, methods: boolean): string {
  const items = list.map((item) => formatValue(item, verb, flags, methods));
  return flags.source ? `[]interface {}{${items.join(', ')}}` : `[${items.join(' ')}]`;
}

function formatMap(map: GoMap, verb: string, flags: Flags, methods: boolean): string {
  const items = Array.from(map, ([key, value]) => {
    return `${formatValue(key, verb, flags, methods)}:${formatValue(value, verb, flags, methods)}`;
  });
  return flags.source ? `map[string]interface {}{${items.join(', ')}}` : `map[${items.join(' ')}]`;
}

/** `%!d(string=hello)`: what Go prints for a verb that the value does not have. */
function badVerb(value: Value, verb: string, flags: Flags): string {
  if (value === undefined || value === null) return `%!${verb}(${NIL})`;
  return `%!${verb}(${typeName(value)}=${formatValue(value, 'v', flags, false)})`;
}
