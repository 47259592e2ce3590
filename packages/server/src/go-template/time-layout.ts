/** `time.Format`: a layout shows how the second of January 2006, 15:04:05 would be written. */
import { Refusal } from './errors.ts';
import type { CalendarFields, GoTime } from './time.ts';

export const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
] as const;
export const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

/** What `.String` writes; Go adds the reading of its monotonic clock where a time has one. */
const DEFAULT_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST';

const ELEMENTS = new RegExp(
  [
    ...['January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST'],
    ...['002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm'],
    ...['[-Z]07:00:00|[-Z]070000|[-Z]07:00|[-Z]0700|[-Z]07'],
    ...['[.,](?:0+|9+)(?!\\d)'],
  ].join('|'),
  'g',
);

type Writer = (at: CalendarFields) => string | number;

const WRITERS: Readonly<Record<string, Writer>> = {
  January: ({ month }) => nameOf(MONTHS, month - 1),
  Jan: ({ month }) => nameOf(MONTHS, month - 1).slice(0, 3),
  1: ({ month }) => month,
  '01': ({ month }) => padded(month, 2),
  Monday: ({ weekday }) => nameOf(WEEKDAYS, weekday),
  Mon: ({ weekday }) => nameOf(WEEKDAYS, weekday).slice(0, 3),
  2: ({ day }) => day,
  _2: ({ day }) => String(day).padStart(2),
  '02': ({ day }) => padded(day, 2),
  __2: ({ yearDay }) => String(yearDay).padStart(3),
  '002': ({ yearDay }) => padded(yearDay, 3),
  15: ({ hour }) => padded(hour, 2),
  3: ({ hour }) => hour % 12 || 12,
  '03': ({ hour }) => padded(hour % 12 || 12, 2),
  4: ({ minute }) => minute,
  '04': ({ minute }) => padded(minute, 2),
  5: ({ second }) => second,
  '05': ({ second }) => padded(second, 2),
  2006: ({ year }) => padded(year, 4),
  '06': ({ year }) => padded(Math.max(year, 0) % 100, 2),
  PM: ({ hour }) => (hour >= 12 ? 'PM' : 'AM'),
  pm: ({ hour }) => (hour >= 12 ? 'pm' : 'am'),
  MST: ({ abbreviation }) => {
    const known = abbreviation();
    if (known !== undefined) return known;
    throw new Refusal(
      'unsupported',
      "the abbreviation of a time zone other than UTC; use now.UTC, or the layout's -0700",
    );
  },
};

/** @throws Refusal `unsupported` for the abbreviation of a zone that has none here */
export function formatTime(time: GoTime, layout = DEFAULT_LAYOUT): string {
  const fields = time.fields();
  return layout.replace(ELEMENTS, (element) => {
    const writer = WRITERS[element];
    if (writer !== undefined) return String(writer(fields));
    return /^[.,]/.test(element) ? fraction(element, fields.nanosecond) : offsetText(element, fields.offset);
  });
}

/** `.000` writes three digits, `.999` up to three. */
function fraction(element: string, nanosecond: number): string {
  const digits = padded(nanosecond, 9).slice(0, element.length - 1);
  if (element[1] === '0') return element.charAt(0) + digits;
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? '' : element.charAt(0) + kept;
}

function offsetText(element: string, offset: number): string {
  if (element.startsWith('Z') && offset === 0) return 'Z';
  const seconds = Math.abs(offset);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const count = element.replace(/\D/g, '').length / 2;
  const text = parts.slice(0, count).map((part) => padded(part, 2));
  return (offset < 0 ? '-' : '+') + text.join(element.includes(':') ? ':' : '');
}

function nameOf(names: readonly string[], index: number): string {
  return names[index] ?? '';
}

function padded(value: number, digits: number): string {
  return (value < 0 ? '-' : '') + String(Math.abs(value)).padStart(digits, '0');
}
