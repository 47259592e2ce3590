/** What stands between the percent sign and the verb. */
import { countRunes } from './bytes.ts';

export interface Flags {
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** `%#v`: as Go source. */
  source: boolean;
  width: number | undefined;
  precision: number | undefined;
}

export function noFlags(): Flags {
  return {
    ...{ plus: false, minus: false, sharp: false, space: false, zero: false, source: false },
    ...{ width: undefined, precision: undefined },
  };
}

/** To the width, in characters. */
export function padded(bytes: string, flags: Flags, zeros = flags.zero): string {
  const missing = (flags.width ?? 0) - countRunes(bytes);
  if (missing <= 0) return bytes;
  if (flags.minus) return bytes + ' '.repeat(missing);
  return (zeros ? '0' : ' ').repeat(missing) + bytes;
}
