/** Which event this is: the event id that follows from its external id. See `contracts/log.md`. */
import { createHmac, createSecretKey, hash, type KeyObject, randomUUID } from 'node:crypto';
import { ExternalId, InvalidId } from '../external-id.ts';
import type { JsonObject } from '../json/parse.ts';
import type { Source } from '../stream.ts';

/** What stands in for an id when the event brings none and the delivery has a name of its own. */
export interface DeliveryName {
  id: string;
  index: number;
}

/** The identity rules of one source, compiled. */
export class Identity {
  readonly #prefix: string;
  readonly #externalId: ExternalId;
  readonly #key: KeyObject | undefined;

  /** @param key of its stream, if that is salted: nobody without it can tell which id is whose */
  constructor(source: Pick<Source, 'id' | 'policy' | 'dedup'>, key?: Uint8Array) {
    this.#key = key && createSecretKey(key);
    this.#prefix = `[${JSON.stringify(source.id)},`;
    this.#externalId = new ExternalId(source.policy, source.dedup === 'content');
  }

  /** The digest whose first 16 bytes are the event id, as latin1 text. */
  eventIdDigest(event: JsonObject, delivery: DeliveryName | undefined): string | InvalidId {
    const externalId = this.#externalId.of(event) ?? standIn(delivery);
    if (externalId instanceof InvalidId) return externalId;
    const name = `${this.#prefix}${externalId}]`;
    return this.#key === undefined
      ? hash('sha256', name, 'latin1')
      : createHmac('sha256', this.#key).update(name).digest('latin1');
  }
}

function standIn(delivery: DeliveryName | undefined): string {
  return delivery === undefined ? `"${randomUUID()}"` : JSON.stringify(`${delivery.id}/${delivery.index}`);
}
