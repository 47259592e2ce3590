/** Who is nearest to the middle. */
import { isContainer, type JsonValue } from '../json/parse.ts';
import { ownValue, parsePath } from '../json/path.ts';
import { fieldsOf } from './fields.ts';
import type { Ballot } from './voices.ts';

/**
 * The median of a field is the middle one of its numbers, of an even count the lower of the two in the middle, so
 * that what is certified is a value that a source has sent. A voice's distance from it is the number of voices
 * between: those that it would have to overtake to be there. Counted so, distances in fields of different units add
 * up, and one stray number pulls nothing.
 *
 * @param measured paths of the fields to go by; without them all fields
 * @returns places of the nearest among the ballots; undefined where no field has a number in every ballot
 */
export function median(ballots: readonly Ballot[], measured: readonly string[] | undefined): number[] | undefined {
  const columns = columnsOf(ballots, measured);
  if (columns.length === 0) return undefined;
  const distances = ballots.map(() => 0);
  for (const column of columns) addDistances(column, distances);
  const least = Math.min(...distances);
  return distances.flatMap((distance, index) => (distance === least ? [index] : []));
}

/** The lower of two in the middle. */
function middleOf(numbers: readonly number[]): number {
  return [...numbers].sort(ascending)[(numbers.length - 1) >> 1] as number;
}

/** The numbers of each field in which every ballot has one. */
function columnsOf(ballots: readonly Ballot[], measured: readonly string[] | undefined): number[][] {
  const columns: JsonValue[][] =
    measured === undefined
      ? fieldsOf(ballots).map((field) => field.ballots.map(({ value }) => value))
      : measured.map((path) => ballots.map(({ value }) => valueAt(value, path) ?? null));
  return columns.filter(
    (values): values is number[] =>
      values.length === ballots.length && values.every((value) => typeof value === 'number'),
  );
}

function addDistances(numbers: readonly number[], distances: number[]): void {
  const middle = middleOf(numbers);
  numbers.forEach((number, index) => {
    const between = numbers.filter((other) =>
      number < middle ? number < other && other <= middle : middle <= other && other < number,
    );
    distances[index] = (distances[index] as number) + between.length;
  });
}

function valueAt(value: JsonValue, path: string): JsonValue | undefined {
  let found: JsonValue | undefined = value;
  for (const segment of parsePath(path)) found = isContainer(found) ? ownValue(found, segment) : undefined;
  return found;
}

function ascending(a: number, b: number): number {
  return a - b;
}
