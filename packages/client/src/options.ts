/** What a call is told. Whoever writes plain JavaScript has no compiler to find a name that is not one. */
import { ClientError } from './errors.ts';

/** Every name there is: the compiler sees to it that none is left out. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/** @throws ClientError `invalid-argument` for a member that is not known, naming those that are */
export function onlyKnown<T extends object>(call: string, options: T, names: Names<T>): void {
  if (typeof options !== 'object' || options === null) {
    throw new ClientError('invalid-argument', `${call}: the options are no object`);
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return;
  const known = Object.keys(names).sort().join(', ');
  throw new ClientError('invalid-argument', `${call}: there is no option "${unknown}", but there are ${known}`);
}

/** @throws ClientError `invalid-argument` for a value that is not one of these */
export function oneOf(name: string, value: string | undefined, values: readonly string[]): void {
  if (value === undefined || values.includes(value)) return;
  throw new ClientError('invalid-argument', `${name} is ${values.join(' or ')}, not ${String(value)}`);
}

/** @throws ClientError `invalid-argument` for what is no whole number from 1 */
export function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new ClientError('invalid-argument', `${name} is a whole number from 1`);
}

/** @throws ClientError `invalid-argument` for what is no number of milliseconds; `Infinity` is one */
export function duration(name: string, value: number | undefined): void {
  if (value === undefined || (typeof value === 'number' && value >= 0)) return;
  throw new ClientError('invalid-argument', `${name} is a number of milliseconds`);
}
