/** Applies to each journaled event the policy that was in force when it came. Pure: the same journal, the same result. */
import { hash } from 'node:crypto';
import type { NormalizedEvent, Position } from '../event.ts';
import { type JsonObject, parseJson } from '../json/parse.ts';
import type { EventsEntry } from '../store/journal.ts';
import type { StreamConfig } from '../stream.ts';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import type { MappingPolicy } from './policy.ts';

export class Normalizer {
  readonly #compiled = new WeakMap<MappingPolicy, CompiledPolicy>();

  /** @param from events of the entry before this position are passed by */
  *normalize(entry: EventsEntry, config: StreamConfig, from: Position): Generator<NormalizedEvent> {
    const policy = this.#policy(config.sources[entry.source] ?? {});
    const { events } = entry;
    for (let index = Math.max(0, from - entry.first); index < events.count; index++) {
      const result = policy.normalize(parseJson(events.text(index)) as JsonObject, entry.at);
      const supersedes = events.supersedes(index);
      const common = {
        position: entry.first + index,
        source: entry.source,
        seq: entry.seq + index,
        eventId: events.eventId(index),
        eventTime: result.eventTime,
        rawHash: events.rawHash(index),
        policyHash: policy.hash,
        ...(supersedes === undefined ? undefined : { supersedes }),
      };
      if (result.quarantined) yield { ...common, kind: 'quarantined', reasons: result.issues };
      else {
        const { payload } = result;
        yield { ...common, kind: 'record', payload, payloadHash: hash('sha256', payload, 'hex') };
      }
    }
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
