/**
 * - `template`: the template cannot be read or rendered with this data; the cause says where
 * - `rendered`: what it renders to is no request: not JSON, or members that are missing or of the wrong type
 * - `unreachable`: the request could not be sent, or its answer broke off
 * - `timeout`: no answer in time
 */
export type NotifierErrorCode = 'template' | 'rendered' | 'unreachable' | 'timeout';

/** A notification that was not made, or of which nobody knows whether it was. */
export class NotifierError extends Error {
  readonly code: NotifierErrorCode;

  constructor(code: NotifierErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NotifierError';
    this.code = code;
  }
}
