/** The secret that ARC's callbacks come with. */
import { SecretDigest } from '../../secret-digest.ts';

/** @param expected without one nothing is good */
export function isCallbackToken(expected: string | undefined, given: string | undefined): boolean {
  return expected !== undefined && new SecretDigest(expected).matches(given);
}
