/**
 * - `wrong-type`: a member is not of the type it must have
 * - `invalid-value`: the type is right, the value is not
 * - `unknown-member`: no policy has such a member
 * - `invalid-path`: a path or field name that cannot be read
 * - `unknown-field`: a rule for a field that `map` does not make
 * - `conflict`: two members that cannot both hold
 * - `too-large`: more than the limits allow
 */
export type PolicyErrorCode =
  | 'wrong-type'
  | 'invalid-value'
  | 'unknown-member'
  | 'invalid-path'
  | 'unknown-field'
  | 'conflict'
  | 'too-large';

/** A mapping policy that cannot be applied. The message is one line: where, what is wrong, what to do. */
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
