/** What a source calls its event, read from the raw event. See "Identity of an event" in `contracts/log.md`. */
import { hash } from 'node:crypto';
import { canonicalText } from './json/canonical.ts';
import type { JsonObject, JsonValue } from './json/parse.ts';
import { compilePath, type PathGetter } from './json/path.ts';
import { DEFAULT_TIME_FIELDS } from './json/time.ts';
import type { MappingPolicy } from './normalize/policy.ts';

/** What names an event: fields of the policy's choice, a member of its own, or all that it says. */
export type IdBasis = 'idFrom' | 'eventId' | 'id' | 'content';

export class InvalidId {
  readonly hint: string;

  constructor(hint: string) {
    this.hint = hint;
  }
}

const MAX_ID_LENGTH = 1024;
/** Text that JSON writes as it is. Most ids are, and looking costs a fifth of quoting. */
const PLAIN = /^[\w .:/@+-]*$/;

/** The rules of one source, compiled. */
export class ExternalId {
  readonly #idFrom: PathGetter[];
  readonly #times: PathGetter[];
  readonly #byContent: boolean;

  /** @param byContent events without id and time are known by their content */
  constructor({ idFrom, timeField }: MappingPolicy, byContent: boolean) {
    this.#idFrom = (idFrom ?? []).map(compilePath);
    this.#times = (timeField === undefined ? DEFAULT_TIME_FIELDS : [timeField]).map(compilePath);
    this.#byContent = byContent;
  }

  /** RFC 8785 text of the id; undefined when the event brings nothing that could be one. */
  of(event: JsonObject): string | InvalidId | undefined {
    const fromFields = this.#fromFields(event);
    if (fromFields !== undefined) return fromFields;
    const id = event.eventId ?? event.id ?? undefined;
    if (id !== undefined) return idText(id);
    return this.#byContent || this.#hasTime(event) ? `"${hash('sha256', canonicalText(event), 'hex')}"` : undefined;
  }

  /** Which rule `of` goes by; undefined where it finds nothing. */
  basis(event: JsonObject): IdBasis | undefined {
    if (this.#fromFields(event) !== undefined) return 'idFrom';
    if ((event.eventId ?? undefined) !== undefined) return 'eventId';
    if ((event.id ?? undefined) !== undefined) return 'id';
    return this.#byContent || this.#hasTime(event) ? 'content' : undefined;
  }

  #hasTime(event: JsonObject): boolean {
    return this.#times.some((time) => (time(event) ?? undefined) !== undefined);
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
