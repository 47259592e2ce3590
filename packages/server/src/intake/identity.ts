/** Which event this is: the external id, and the event id that follows from it. See `contracts/log.md`. */
import { hash, randomUUID } from 'node:crypto';
import { canonicalText } from '../json/canonical.ts';
import type { JsonObject, JsonValue } from '../json/parse.ts';
import { compilePath, type PathGetter } from '../json/path.ts';
import { DEFAULT_TIME_FIELDS } from '../json/time.ts';
import type { Source } from '../stream.ts';

/** What stands in for an id when the event brings none and the delivery has a name of its own. */
export interface DeliveryName {
  id: string;
  index: number;
}

export class InvalidId {
  readonly hint: string;

  constructor(hint: string) {
    this.hint = hint;
  }
}

const MAX_ID_LENGTH = 1024;
/** Text that JSON writes as it is. Most ids are, and looking costs a fifth of quoting. */
const PLAIN = /^[\w .:/@+-]*$/;

/** The identity rules of one source, compiled. */
export class Identity {
  readonly #prefix: string;
  readonly #idFrom: PathGetter[];
  readonly #times: PathGetter[];
  readonly #byContent: boolean;

  constructor(source: Source) {
    this.#prefix = `[${JSON.stringify(source.id)},`;
    this.#idFrom = (source.policy.idFrom ?? []).map(compilePath);
    const timeField = source.policy.timeField;
    this.#times = (timeField === undefined ? DEFAULT_TIME_FIELDS : [timeField]).map(compilePath);
    this.#byContent = source.dedup === 'content';
  }

  /** The digest whose first 16 bytes are the event id, as latin1 text. */
  eventIdDigest(event: JsonObject, delivery: DeliveryName | undefined): string | InvalidId {
    const externalId = this.#externalId(event, delivery);
    if (externalId instanceof InvalidId) return externalId;
    return hash('sha256', `${this.#prefix}${externalId}]`, 'latin1');
  }

  /** RFC 8785 text of the external id. */
  #externalId(event: JsonObject, delivery: DeliveryName | undefined): string | InvalidId {
    const fromFields = this.#fromFields(event);
    if (fromFields !== undefined) return fromFields;
    const id = event.eventId ?? event.id ?? undefined;
    if (id !== undefined) return idText(id);
    const hasTime = this.#times.some((time) => (time(event) ?? undefined) !== undefined);
    if (hasTime || this.#byContent) return `"${hash('sha256', canonicalText(event), 'hex')}"`;
    if (delivery !== undefined) return JSON.stringify(`${delivery.id}/${delivery.index}`);
    return `"${randomUUID()}"`;
  }

  #fromFields(event: JsonObject): string | InvalidId | undefined {
    if (this.#idFrom.length === 0) return undefined;
    const parts: string[] = [];
    let missing = 0;
    for (const field of this.#idFrom) {
      const value = field(event) ?? undefined;
      if (value === undefined) {
        missing++;
        continue;
      }
      const part = idText(value);
      if (part instanceof InvalidId) return part;
      parts.push(part);
    }
    if (missing === this.#idFrom.length) return undefined;
    if (missing > 0) return new InvalidId('some of the fields that make up the id (idFrom) are missing');
    return parts.length === 1 ? parts[0] : `[${parts.join(',')}]`;
  }
}

function idText(value: JsonValue): string | InvalidId {
  if (typeof value === 'string') {
    if (value.length === 0 || value.length > MAX_ID_LENGTH) {
      return new InvalidId(`an id is 1 to ${MAX_ID_LENGTH} characters long`);
    }
    return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value);
  }
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return new InvalidId('an id is text, or a whole number within ±(2^53−1)');
}
