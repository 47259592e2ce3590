/** Methods of the values that have some: times, and what they are made of. */
import { toBytes } from './bytes.ts';
import { Refusal } from './errors.ts';
import type { Callable, Param } from './functions.ts';
import { floorDivided, GoTime, UTC } from './time.ts';
import { formatTime, MONTHS, WEEKDAYS } from './time-layout.ts';
import { GoInt, type IntType, int, type Value } from './values.ts';

/** Nanoseconds from year 1 to 1970: what Go calls zero. */
const ZERO_TIME = -62_135_596_800n * 1_000_000_000n;

type TimeMethod = (time: GoTime, args: readonly Value[]) => Value;

const since1970 = (unit: bigint): TimeMethod => {
  return (time) => new GoInt('int64', floorDivided(time.unixNano, unit));
};
const field = (name: 'year' | 'day' | 'hour' | 'minute' | 'second' | 'nanosecond' | 'yearDay'): TimeMethod => {
  return (time) => int(time.fields()[name]);
};
const other = ([value]: readonly Value[]) => value as GoTime;

const TIME_METHODS: Readonly<Record<string, [TimeMethod, ...Param[]]>> = {
  Unix: [since1970(1_000_000_000n)],
  UnixMilli: [since1970(1_000_000n)],
  UnixMicro: [since1970(1000n)],
  UnixNano: [since1970(1n)],
  UTC: [(time) => time.in(UTC)],
  Local: [(time) => time.in(time.local)],
  Year: [field('year')],
  Month: [(time) => new GoInt('time.Month', BigInt(time.fields().month))],
  Day: [field('day')],
  Weekday: [(time) => new GoInt('time.Weekday', BigInt(time.fields().weekday))],
  YearDay: [field('yearDay')],
  Hour: [field('hour')],
  Minute: [field('minute')],
  Second: [field('second')],
  Nanosecond: [field('nanosecond')],
  IsZero: [(time) => time.unixNano === ZERO_TIME],
  String: [(time) => formatTime(time)],
  Format: [(time, [layout]) => formatTime(time, layout as string), 'string'],
  Add: [(time, [duration]) => time.plus((duration as GoInt).value), 'time.Duration'],
  AddDate: [addDate, 'int', 'int', 'int'],
  Before: [(time, args) => time.unixNano < other(args).unixNano, 'time.Time'],
  After: [(time, args) => time.unixNano > other(args).unixNano, 'time.Time'],
  Equal: [(time, args) => time.unixNano === other(args).unixNano, 'time.Time'],
};
/** There in Go, and not here. */
const OTHER_TIME_METHODS = new Set([
  ...['AppendBinary', 'AppendFormat', 'AppendText', 'Clock', 'Compare', 'Date', 'GoString', 'GobDecode', 'GobEncode'],
  ...['ISOWeek', 'In', 'IsDST', 'Location', 'MarshalBinary', 'MarshalJSON', 'MarshalText', 'Round', 'Sub', 'Truncate'],
  ...['UnmarshalBinary', 'UnmarshalJSON', 'UnmarshalText', 'Zone', 'ZoneBounds'],
]);
const INT_NAMES = new Map<IntType, { type: string; names: readonly string[]; first: bigint }>([
  ['time.Month', { type: 'Month', names: MONTHS, first: 1n }],
  ['time.Weekday', { type: 'Weekday', names: WEEKDAYS, first: 0n }],
]);

/** @throws Refusal `unsupported` for a method that only Go has */
export function methodOf(receiver: Value, name: string): Callable | undefined {
  if (receiver instanceof GoInt && name === 'String') {
    const written = stringOf(receiver);
    return written === undefined ? undefined : { params: [], call: () => written };
  }
  if (!(receiver instanceof GoTime)) return undefined;
  if (OTHER_TIME_METHODS.has(name)) throw new Refusal('unsupported', `method ${name} of a time is not supported`);
  if (!Object.hasOwn(TIME_METHODS, name)) return undefined;
  const [method, ...params] = TIME_METHODS[name] as [TimeMethod, ...Param[]];
  return { params, call: (args) => method(receiver, args) };
}

/** What the value's own `String` method says; undefined where it has none. */
export function stringOf(value: Value): string | undefined {
  if (value instanceof GoTime) return toBytes(formatTime(value));
  const named = value instanceof GoInt ? INT_NAMES.get(value.type) : undefined;
  if (named === undefined || !(value instanceof GoInt)) return undefined;
  return named.names[Number(value.value - named.first)] ?? `%!${named.type}(${value.value})`;
}

/** Years, months and days on the calendar of its zone; a day that the month does not have is one of the next. */
function addDate(time: GoTime, args: readonly Value[]): GoTime {
  const [years = 0, months = 0, days = 0] = args.map((arg) => Number((arg as GoInt).value));
  const { year, month, day, offset } = time.fields();
  const wall = new Date(time.unixMs + offset * 1000);
  wall.setUTCFullYear(year + years, month - 1 + months, day + days);
  const wallMs = wall.getTime();
  if (Number.isNaN(wallMs)) throw new Refusal('unsupported', 'a date too far away');
  // The offset of the day that is reached may be another than that of the day it starts from.
  const guess = wallMs - offset * 1000;
  const there = wallMs - time.zone.offsetAt(guess) * 1000;
  return time.plus(BigInt(there - time.unixMs) * 1_000_000n);
}
