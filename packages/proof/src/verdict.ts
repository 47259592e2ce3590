import { ProofError } from './errors.ts';

/** Why an SPV envelope is refused; the words of `dlm1.md`. */
export type EnvelopeReason =
  | 'missing-envelope'
  | 'txid-mismatch-top-level-vs-proof'
  | 'txid-mismatch-rawtx-vs-proof'
  | 'tx-does-not-commit'
  | 'invalid-block-header'
  | 'insufficient-work'
  | 'unknown-block-hash'
  | 'block-height-mismatch'
  | 'merkle-root-unavailable'
  | 'invalid-merkle-path'
  | 'insufficient-confs';

/** Why a proof file is refused; the words of `log.md` and `dlm1.md`. */
export type Reason =
  | EnvelopeReason
  | 'malformed'
  | 'payload-mismatch'
  | 'inclusion-mismatch'
  | 'manifest-mismatch'
  | 'signature-invalid'
  | 'checkpoint-mismatch'
  | 'unanchored'
  | 'development-chain';

/** The first broken link. */
export interface Refusal<R extends Reason = Reason> {
  valid: false;
  reason: R;
  /** One sentence for a human; not part of the contract. */
  detail: string;
}

/** Travels from the check that fails up to `verdict`, which turns it into a result. */
class VerificationFailed extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, detail: string) {
    super(detail);
    this.name = 'VerificationFailed';
    this.reason = reason;
  }
}

/** Ends the verification that is under way. */
export function refuse(reason: Reason, detail: string): never {
  throw new VerificationFailed(reason, detail);
}

/**
 * Runs `check`; what it refuses, and input that its parsers find malformed, comes back as a `Refusal`.
 * The caller names the reasons its checks can give.
 */
export function verdict<T, R extends Reason = Reason>(check: () => T): T | Refusal<R> {
  try {
    return check();
  } catch (error) {
    const reason = reasonOf(error) as R | undefined;
    if (reason === undefined) throw error;
    return { valid: false, reason, detail: (error as Error).message };
  }
}

/** Undefined for an error that no check throws on purpose. */
function reasonOf(error: unknown): Reason | undefined {
  if (error instanceof VerificationFailed) return error.reason;
  if (!(error instanceof ProofError)) return undefined;
  return error.code === 'versionId-mismatch' ? 'manifest-mismatch' : 'malformed';
}
