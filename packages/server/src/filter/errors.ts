/**
 * - `too-long`: more than `MAX_FILTER_LENGTH` characters, as it was written or in its canonical spelling
 * - `too-many-terms`: more than `MAX_TERMS` comparisons
 * - `too-deep`: parentheses and `not` nested deeper than `MAX_NESTING`
 * - `too-many-items`: more than `MAX_LIST` items in a list
 * - `too-many-paths`: more than `MAX_FIELDS` fields, or `MAX_KEY_PATHS` paths of a key
 * - `unexpected`: something else has to stand there
 * - `literal-first`: a comparison that begins with a literal
 * - `bad-path`: a segment that cannot be read, or more than `MAX_PATH_SEGMENTS` of them
 * - `bad-string`: text that does not end, has an escape that JSON does not have, or half of a surrogate pair
 * - `bad-number`: not a number of JSON, or one that a double cannot hold
 * - `bad-time`: `eventTime` compared with something else than a time
 * - `no-order`: `<`, `<=`, `>` or `>=` with true, false or null
 * - `bad-split`: not `i/n` with i below n
 */
export type FilterErrorCode =
  | 'too-long'
  | 'too-many-terms'
  | 'too-deep'
  | 'too-many-items'
  | 'too-many-paths'
  | 'unexpected'
  | 'literal-first'
  | 'bad-path'
  | 'bad-string'
  | 'bad-number'
  | 'bad-time'
  | 'no-order'
  | 'bad-split';

/** A filter, a list of fields or a split that cannot be read. The message says what was expected. */
export class FilterError extends Error {
  readonly code: FilterErrorCode;
  /** Index of the character, from 0, in UTF-16 code units; the length of the text where it ends too early. */
  readonly position: number;

  constructor(code: FilterErrorCode, position: number, message: string) {
    super(message);
    this.name = 'FilterError';
    this.code = code;
    this.position = position;
  }
}
