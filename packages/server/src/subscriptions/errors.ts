/**
 * Why an order about subscriptions is not carried out.
 *
 * - `not-found`: there is no such subscription
 * - `too-many`: there are as many as there may be
 * - `url-not-allowed`: nothing may be called at this URL
 * - `log-too-short`: what is to be sent again is not in the log any more
 * - `unknown-cursor`: no place in this ledger
 * - `unavailable`: it could not be stored
 */
export type SubscriptionErrorCode =
  | 'not-found'
  | 'too-many'
  | 'url-not-allowed'
  | 'log-too-short'
  | 'unknown-cursor'
  | 'unavailable';

export class SubscriptionError extends Error {
  readonly code: SubscriptionErrorCode;

  constructor(code: SubscriptionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SubscriptionError';
    this.code = code;
  }
}
