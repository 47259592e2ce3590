const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const UTC_MILLIS = /T\d\d:\d\d:[0-5]\d\.\d{3}Z$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A date-time of RFC 3339, section 5.6: any offset, any fraction, leap seconds; the day exists in its month. */
export function isRfc3339(text: string): boolean {
  const match = RFC3339.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  return day >= 1 && day <= daysIn(year, month);
}

/** The one form that leaves use: UTC, three digits of milliseconds, `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
export function isUtcMillis(text: string): boolean {
  return UTC_MILLIS.test(text) && isRfc3339(text);
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0);
}
