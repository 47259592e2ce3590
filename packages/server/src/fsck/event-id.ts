import { InvalidId } from '../external-id.ts';
import type { Identity } from '../intake/identity.ts';
import { JsonError, type JsonObject, parseJson } from '../json/parse.ts';
import type { EventBatch } from '../store/batch.ts';

/** Says what is wrong with an event's id. Where it follows from its delivery alone, nothing can be said. */
export function wrongId(identity: Identity, batch: EventBatch, index: number): string | undefined {
  const stored = batch.eventId(index);
  try {
    const event = parseJson(batch.text(index)) as JsonObject;
    const due = idOf(identity, event, 'one');
    if (due === stored) return undefined;
    // With another delivery the same event gets another id only if it has none of its own.
    return due === idOf(identity, event, 'other') ? `the id is ${stored}, the bytes say ${due}` : undefined;
  } catch (cause) {
    if (cause instanceof JsonError) return `the bytes are no event: ${cause.message}`;
    throw cause;
  }
}

function idOf(identity: Identity, event: JsonObject, deliveryId: string): string {
  const digest = identity.eventIdDigest(event, { id: deliveryId, index: 0 });
  return digest instanceof InvalidId ? digest.hint : Buffer.from(digest, 'latin1').toString('hex', 0, 16);
}
