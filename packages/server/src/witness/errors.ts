/** Why a witness does not start. */
export class WitnessError extends Error {
  readonly code:
    | 'name-unusable'
    | 'state-malformed'
    /** A key without what was cosigned with it: the next cosignature could contradict an earlier one. */
    | 'state-missing';

  constructor(code: WitnessError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WitnessError';
    this.code = code;
  }
}
