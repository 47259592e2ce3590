/** Why a caller is not let in. Always 401: who is known and may not has 403, which is for the routes to say. */
export const IDENTITY_CODES = [
  'identity-required',
  'signature-invalid',
  'nonce-reused',
  'timestamp-out-of-window',
] as const;

export type IdentityCode = (typeof IDENTITY_CODES)[number];

export class IdentityError extends Error {
  readonly code: IdentityCode;
  readonly hint: string;
  readonly status = 401;

  constructor(code: IdentityCode, hint: string, options?: ErrorOptions) {
    super(`${code}: ${hint}`, options);
    this.name = 'IdentityError';
    this.code = code;
    this.hint = hint;
  }
}
