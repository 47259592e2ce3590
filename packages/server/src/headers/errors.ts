/**
 * What can go wrong with block headers.
 *
 * - `pin-changed`: the stored headers were collected from another pin than the one configured
 * - `headers-malformed`: the bytes handed over are no whole number of headers
 * - `source-invalid`: a source is declared in a form that says not how to ask it
 * - `source-unreachable`: the file is not there, the server is down, or too slow
 * - `source-refused`: the server answered, but with an error or a redirect
 * - `source-malformed`: the answer is not what its form says, or a file ends within a header
 * - `source-oversized`: the answer is longer than what was asked for can be
 * - `source-incomplete`: the source does not have the headers that it says it has
 * - `source-disagrees`: its headers do not link to the pin, lack the work, or part from the best chain too far back
 */
export type HeaderErrorCode =
  | 'pin-changed'
  | 'headers-malformed'
  | 'source-invalid'
  | 'source-unreachable'
  | 'source-refused'
  | 'source-malformed'
  | 'source-oversized'
  | 'source-incomplete'
  | 'source-disagrees';

export class HeaderError extends Error {
  readonly code: HeaderErrorCode;

  constructor(code: HeaderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HeaderError';
    this.code = code;
  }
}
