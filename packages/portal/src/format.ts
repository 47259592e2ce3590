import { describe } from './messages.ts';

const PREVIEW_LENGTH = 160;

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

const whole = new Intl.NumberFormat();
const tenth = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/** Local time of day; milliseconds since 1970. */
export function timeOfDay(time: number): string {
  return clock.format(time);
}

export function integer(value: number): string {
  return whole.format(value);
}

export function rate(value: number): string {
  return (value < 100 ? tenth : whole).format(value);
}

/** The first digits of a hash or id. */
export function short(hash: string): string {
  return hash.length > 12 ? `${hash.slice(0, 12)}…` : hash;
}

export function preview(payload: unknown): string {
  const text = describe(payload);
  return text.length > PREVIEW_LENGTH ? `${text.slice(0, PREVIEW_LENGTH)}…` : text;
}
