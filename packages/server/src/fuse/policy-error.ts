/**
 * - `wrong-type`: a member is not of the type it must have
 * - `invalid-value`: the type is right, the value is not
 * - `unknown-member`: no fusion policy has such a member
 * - `missing-member`: a member without which the strategy cannot decide
 * - `invalid-path`: a path that cannot be read
 * - `conflict`: two members that cannot both hold, or one that would never apply
 * - `too-large`: more than the limits allow
 * - `unknown-source`: names a source that does not feed the stream
 * - `too-few-sources`: the stream has not the sources that the policy needs
 */
export type FusionPolicyErrorCode =
  | 'wrong-type'
  | 'invalid-value'
  | 'unknown-member'
  | 'missing-member'
  | 'invalid-path'
  | 'conflict'
  | 'too-large'
  | 'unknown-source'
  | 'too-few-sources';

/** A fusion policy that cannot be applied. The message is one line: where, what is wrong, what to do. */
export class FusionPolicyError extends Error {
  readonly code: FusionPolicyErrorCode;
  /** Where in the policy, `tolerance.temp`; empty for the policy as a whole. */
  readonly path: string;
  readonly remedy: string;

  constructor(code: FusionPolicyErrorCode, path: string, problem: string, remedy: string, options?: ErrorOptions) {
    super(`${path === '' ? 'the fusion policy' : path}: ${problem}; ${remedy}`, options);
    this.name = 'FusionPolicyError';
    this.code = code;
    this.path = path;
    this.remedy = remedy;
  }
}
