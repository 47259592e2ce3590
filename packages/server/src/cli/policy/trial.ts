/** Runs one event through a policy as intake and normalization would, and notes what becomes of each field. */
import { hash } from 'node:crypto';
import { ExternalId, type IdBasis, InvalidId } from '../../external-id.ts';
import { Unreadable } from '../../intake/decoded.ts';
import { Identity } from '../../intake/identity.ts';
import { readEvent } from '../../intake/read-event.ts';
import { compileRedaction, isMarked, type Redaction } from '../../intake/redaction.ts';
import { canonicalText } from '../../json/canonical.ts';
import { type JsonObject, type JsonValue, parseJson } from '../../json/parse.ts';
import { compilePath } from '../../json/path.ts';
import { canonicalTime, DEFAULT_TIME_FIELDS } from '../../json/time.ts';
import { type CompiledPolicy, compilePolicy } from '../../normalize/compile.ts';
import type { Source } from '../../stream.ts';
import { type FieldTrial, FieldTrials } from './fields.ts';

/** An event that intake would not take. */
export interface RefusedTrial {
  outcome: 'refused';
  error: string;
  hint: string;
}

/** An event that an earlier one of the sample says already; it makes no new record. */
export interface DuplicateTrial {
  outcome: 'duplicate';
  idFrom: IdBasis;
  eventId: string;
}

export interface TakenTrial {
  outcome: 'certified' | 'certified-with-issues' | 'quarantined';
  fields: FieldTrial[];
  /** All issues, those of the fields too. */
  issues: string[];
  eventTime: string;
  /** Raw path that the time was read from, or `arrival`. */
  timeFrom: string;
  /** `none`: its delivery, if that has a name, or nothing. */
  idFrom: IdBasis | 'none';
  /** Undefined where it would be given at arrival. */
  eventId: string | undefined;
  /** An earlier one of the sample says something else under the same id. */
  revision: boolean;
  /** Paths that were there to be taken out, to be hashed, and to be masked. */
  redacted: string[];
  hashed: string[];
  masked: string[];
}

export type Trial = RefusedTrial | DuplicateTrial | TakenTrial;

/** The source's own key is nobody's business here; hashes under this one are of no use elsewhere. */
const TRIAL_KEY = new Uint8Array(32);

export class PolicyTrial {
  readonly #source: Source;
  readonly #policy: CompiledPolicy;
  readonly #identity: Identity;
  readonly #externalId: ExternalId;
  readonly #redaction: Redaction | undefined;
  readonly #fields: FieldTrials;
  readonly #maxBytes: number;
  /** Hashes of the canonical text of each version, by event id. */
  readonly #seen = new Map<string, Set<string>>();

  /** @param maxBytes of an event */
  constructor(source: Source, maxBytes: number) {
    this.#source = source;
    this.#policy = compilePolicy(source.policy);
    this.#identity = new Identity(source);
    this.#externalId = new ExternalId(source.policy, source.dedup === 'content');
    this.#redaction = compileRedaction(source.policy, TRIAL_KEY);
    this.#fields = new FieldTrials(source.policy);
    this.#maxBytes = maxBytes;
  }

  /** @param now arrival, milliseconds since 1970 */
  run(item: Buffer | Unreadable, now: number): Trial {
    const event = item instanceof Unreadable ? item : readEvent(item, { maxBytes: this.#maxBytes, isUtf8: false });
    if (event instanceof Unreadable) return { outcome: 'refused', error: event.error, hint: event.hint };
    const changed = changedPaths(event, this.#source.policy);
    if (this.#redaction?.concerns(event)) this.#redaction.apply(event);
    const digest = this.#identity.eventIdDigest(event, undefined);
    if (digest instanceof InvalidId) return { outcome: 'refused', error: 'id-invalid', hint: digest.hint };
    const idFrom = this.#externalId.basis(event);
    if (idFrom === undefined) {
      return { ...this.#noted(event, now), idFrom: 'none', eventId: undefined, revision: false, ...changed };
    }
    const eventId = Buffer.from(digest, 'latin1').toString('hex', 0, 16);
    const versions = this.#versions(eventId, canonicalText(event));
    if (versions === 'known') return { outcome: 'duplicate', idFrom, eventId };
    return { ...this.#noted(event, now), idFrom, eventId, revision: versions === 'another', ...changed };
  }

  #noted(event: JsonObject, now: number) {
    const { payload, eventTime, issues, quarantined } = this.#policy.normalize(event, now);
    const accepted = issues.length > 0 ? 'certified-with-issues' : 'certified';
    const outcome: TakenTrial['outcome'] = quarantined ? 'quarantined' : accepted;
    const fields = this.#fields.of(event, parseJson(payload) as JsonObject, issues);
    return { outcome, fields, issues, eventTime, timeFrom: this.#timeFrom(event) };
  }

  #timeFrom(event: JsonObject): string {
    const { timeField } = this.#source.policy;
    const present = (field: string): JsonValue | undefined => compilePath(field)(event) ?? undefined;
    const field = (timeField === undefined ? DEFAULT_TIME_FIELDS : [timeField]).find(
      (one) => present(one) !== undefined,
    );
    return field === undefined || canonicalTime(present(field) as JsonValue) === undefined ? 'arrival' : field;
  }

  /** Whether an earlier event had this id: none, one that says the same, or others alone. */
  #versions(eventId: string, text: string): 'none' | 'known' | 'another' {
    const digest = hash('sha256', text, 'latin1');
    const versions = this.#seen.get(eventId);
    if (versions?.has(digest)) return 'known';
    this.#seen.set(eventId, (versions ?? new Set()).add(digest));
    return versions === undefined ? 'none' : 'another';
  }
}

function changedPaths(event: JsonObject, policy: Source['policy']): Pick<TakenTrial, 'redacted' | 'hashed' | 'masked'> {
  const { redact = [], hash: hashes = [], mask = [] } = (isMarked(event) ? policy.pii : undefined) ?? {};
  const valueAt = (path: string) => compilePath(path)(event);
  const hasValue = (path: string) => (valueAt(path) ?? undefined) !== undefined;
  return {
    redacted: [...(policy.redact ?? []), ...redact].filter((path) => valueAt(path) !== undefined),
    hashed: [...(policy.hash ?? []), ...hashes].filter(hasValue),
    masked: mask.filter(hasValue),
  };
}
