/**
 * The event's time is compared as an instant. Messages and items have it in its canonical form, whose order is that of
 * the instants, so it is enough to bring what it is compared with into the same form.
 */
import { canonicalRfc3339 } from '../json/time.ts';
import { FilterError } from './errors.ts';
import type { Path } from './path.ts';
import type { Literal, Scalar } from './scanner.ts';

/**
 * The values of literals; null stands for a time that is not known.
 * @throws FilterError `bad-time`
 */
export function withTimes(path: Path, literals: readonly Literal[]): Scalar[] {
  if (path.text !== 'eventTime') return literals.map(({ value }) => value);
  return literals.map(({ value, position }) => {
    if (value === null) return null;
    const time = typeof value === 'string' ? canonicalRfc3339(value) : undefined;
    if (time === undefined) {
      throw new FilterError('bad-time', position, 'expected a time of RFC 3339, as in "2026-03-01T12:00:00Z"');
    }
    return time;
  });
}
