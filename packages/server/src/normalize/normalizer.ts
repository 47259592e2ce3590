/** Applies to each journaled event the policy that was in force when it came. Pure: the same journal, the same result. */
import type { AcceptedEvent, NormalizedEvent, Position, QuarantinedEvent } from '../event.ts';
import { ExternalId, type InvalidId } from '../external-id.ts';
import { type JsonObject, parseJson } from '../json/parse.ts';
import { payloadHash } from '../salt.ts';
import { StoreError } from '../store/errors.ts';
import type { EventsEntry } from '../store/journal.ts';
import type { StreamConfig } from '../stream.ts';
import { type CompiledPolicy, compilePolicy, type NormalizeResult } from './compile.ts';
import type { MappingPolicy } from './policy.ts';

export class Normalizer {
  readonly #compiled = new WeakMap<MappingPolicy, CompiledPolicy>();
  readonly #externalIds = new WeakMap<MappingPolicy, ExternalId>();

  /** @param from events of the entry before this position are passed by */
  *normalize(entry: EventsEntry, config: StreamConfig, from: Position): Generator<NormalizedEvent> {
    const mapping = policyOf(entry, config);
    const policy = this.#policy(mapping);
    const externalId = fusesByExternalId(config) ? this.#externalId(mapping) : undefined;
    const { events } = entry;
    for (let index = Math.max(0, from - entry.first); index < events.count; index++) {
      if (events.isErased(index)) {
        yield this.erased(entry, index, policy.hash);
        continue;
      }
      const raw = parseJson(events.text(index)) as JsonObject;
      const result = policy.normalize(raw, entry.at);
      if (result.quarantined) yield quarantined(entry, index, policy, result);
      else if (externalId === undefined) yield accepted(entry, index, policy, result);
      else yield withExternalId(accepted(entry, index, policy, result), externalId.of(raw));
    }
  }

  /** The event at a position of the entry. */
  one(entry: EventsEntry, config: StreamConfig, position: Position): NormalizedEvent {
    return this.normalize(entry, config, position).next().value as NormalizedEvent;
  }

  /** An event is erased when its log has it, and nothing is derived from it any more. */
  protected erased({ first }: EventsEntry, index: number, _policyHash: string): NormalizedEvent {
    throw new StoreError('damaged', `nothing is left of the event at ${first + index}`);
  }

  #externalId(policy: MappingPolicy): ExternalId {
    let externalId = this.#externalIds.get(policy);
    if (externalId === undefined) {
      externalId = new ExternalId(policy, false);
      this.#externalIds.set(policy, externalId);
    }
    return externalId;
  }

  #policy(policy: MappingPolicy): CompiledPolicy {
    let compiled = this.#compiled.get(policy);
    if (compiled === undefined) {
      compiled = compilePolicy(policy);
      this.#compiled.set(policy, compiled);
    }
    return compiled;
  }
}

/** The configuration is journaled before the first event that it applies to, so there is always one. */
function policyOf({ source, first }: EventsEntry, config: StreamConfig): MappingPolicy {
  const policy = config.sources[source];
  if (policy === undefined) {
    throw new StoreError('damaged', `journal entry ${first} is of ${source}, which does not feed ${config.id}`);
  }
  return policy;
}

function fusesByExternalId({ fusion }: StreamConfig): boolean {
  return fusion !== undefined && fusion.key === undefined;
}

function withExternalId(event: AcceptedEvent, externalId: string | InvalidId | undefined): AcceptedEvent {
  return typeof externalId === 'string' ? { ...event, externalId } : event;
}

function accepted(entry: EventsEntry, index: number, policy: CompiledPolicy, result: NormalizeResult): AcceptedEvent {
  const { payload, eventTime } = result;
  const salt = entry.events.salt(index);
  const common = journaled(entry, index, policy.hash);
  return { ...common, kind: 'record', eventTime, payload, payloadHash: payloadHash(salt, payload) };
}

function quarantined(
  entry: EventsEntry,
  index: number,
  policy: CompiledPolicy,
  { eventTime, issues }: NormalizeResult,
): QuarantinedEvent {
  return { ...journaled(entry, index, policy.hash), kind: 'quarantined', eventTime, reasons: issues };
}

/** What the journal's header says of an event. */
export function journaled(entry: EventsEntry, index: number, policyHash: string) {
  const { eventId, rawHash } = entry.events.hashes(index);
  const salt = entry.events.salt(index);
  return {
    position: entry.first + index,
    source: entry.source,
    seq: entry.seq + index,
    eventId,
    rawHash,
    policyHash,
    supersedes: entry.events.supersedes(index),
    ...(salt === undefined ? {} : { salt }),
  };
}
