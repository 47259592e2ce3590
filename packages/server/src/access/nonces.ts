/** Nonces of signed requests. */

export interface SpentNonce {
  /** Compressed key, hex: nobody can spend the nonces of another. */
  identityKey: string;
  nonce: string;
  /** Until when it has to be remembered, in milliseconds since 1970; for good without it. */
  until: number | undefined;
}

export interface NonceStore {
  /**
   * Spends a nonce: true for exactly one caller among all processes of a deployment, however they race, and durably,
   * so that a restart does not make it good again. Those whose time was over at `now` may be forgotten on the way, a
   * bounded number a call.
   * @param now milliseconds since 1970
   * @throws StoreError `write-failed`: whether it is spent is not known, and the request is not to be acted upon
   */
  spend(nonce: SpentNonce, now: number): Promise<boolean>;
  close(): Promise<void>;
}
