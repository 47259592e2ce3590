/**
 * - `wrong-type`: a member is not of the type it must have
 * - `invalid-value`: the type is right, the value is not
 * - `unknown-member`: no policy has such a member
 * - `missing-member`: a member without which the others do not say enough
 * - `invalid-path`: a path or field name that cannot be read
 * - `unknown-field`: a rule for a field that `map` does not make
 * - `conflict`: two members that cannot both hold, or one that would never apply
 * - `too-large`: more than the limits allow
 * - `unknown-source`: names a source that does not feed the stream
 * - `too-few-sources`: the stream has not the sources that the policy needs
 */
export type PolicyErrorCode =
  | 'wrong-type'
  | 'invalid-value'
  | 'unknown-member'
  | 'missing-member'
  | 'invalid-path'
  | 'unknown-field'
  | 'conflict'
  | 'too-large'
  | 'unknown-source'
  | 'too-few-sources';

/** A mapping or fusion policy that cannot be applied. The message is one line: where, what is wrong, what to do. */
export class PolicyError extends Error {
  readonly code: PolicyErrorCode;
  /** Where in the policy, `constraints.bounds.temp`; empty for the policy as a whole. */
  readonly path: string;
  readonly remedy: string;

  constructor(code: PolicyErrorCode, path: string, problem: string, remedy: string, options?: ErrorOptions) {
    super(`${path === '' ? 'the policy' : path}: ${problem}; ${remedy}`, options);
    this.name = 'PolicyError';
    this.code = code;
    this.path = path;
    this.remedy = remedy;
  }
}
