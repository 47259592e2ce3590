import { IntakeError } from './errors.ts';

/** A delivery's body, cut into its events. */
export interface Decoded {
  /** Named inside the body, where the format has a place for it. */
  sourceId: string | undefined;
  items: Buffer[];
}

export function tooManyEvents(maxItems: number): IntakeError {
  return new IntakeError('too-many-events', `one request takes at most ${maxItems} events; send smaller batches`);
}
