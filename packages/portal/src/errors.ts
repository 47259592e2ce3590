/**
 * - `unreachable`: no answer
 * - `refused`: the server answered with a problem
 * - `not-json`: a text that should be JSON is not
 */
export type PortalErrorCode = 'unreachable' | 'refused' | 'not-json';

export class PortalError extends Error {
  readonly code: PortalErrorCode;

  constructor(code: PortalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PortalError';
    this.code = code;
  }
}
