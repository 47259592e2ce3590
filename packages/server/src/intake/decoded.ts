import { IntakeError, type Rejection } from './errors.ts';

/** A delivery's body, cut into its events. */
export interface Decoded {
  /** Named inside the body, where the format has a place for it. */
  sourceId: string | undefined;
  /** The bytes of each event, or why there are none. */
  items: (Buffer | Unreadable)[];
}

/** An event that can be told from its neighbours, and no more. */
export class Unreadable {
  readonly error: Rejection['error'];
  readonly hint: string;

  constructor(error: Rejection['error'], hint: string) {
    this.error = error;
    this.hint = hint;
  }
}

export function tooManyEvents(maxItems: number): IntakeError {
  return new IntakeError('too-many-events', `one request takes at most ${maxItems} events; send smaller batches`);
}
