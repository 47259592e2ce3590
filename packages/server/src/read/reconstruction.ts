/** What can be worked out again from the journal at any time: the raw event, and what its policy makes of it. */
import type { Leaf } from '@tidemark/proof';
import { type JsonObject, type JsonValue, parseJson } from '../json/parse.ts';
import type { CompiledPolicy } from '../normalize/compile.ts';
import type { MappingPolicy } from '../normalize/policy.ts';
import { payloadHash } from '../salt.ts';
import { StoreError } from '../store/errors.ts';
import type { JournalReader } from '../store/journal.ts';
import type { StreamConfig } from '../stream.ts';
import { type EventRecord, seqOf } from './events.ts';
import type { Policies } from './policies.ts';

export interface Rebuilt {
  /** null for an event that is erased. */
  raw: JsonValue | null;
  /** What its policy makes of it; undefined for an event that the policy refuses, or that is erased. */
  normalized: { payload: JsonValue; contentHash: string } | undefined;
  /** null where the event is erased and its leaf has none. */
  eventTime: string | null;
  issues: string[];
  policyHash: string;
}

export class Reconstruction {
  readonly #journal: JournalReader;
  readonly #policies: Policies;

  constructor(journal: JournalReader, policies: Policies) {
    this.#journal = journal;
    this.#policies = policies;
  }

  of(record: EventRecord): Rebuilt {
    const { entry, place, erased, certified } = record;
    const policy = this.#policyOf(record);
    if (erased !== undefined) {
      const leaf = certified?.line.leaf;
      const eventTime = leaf !== undefined && 'eventTime' in leaf ? leaf.eventTime : null;
      return { raw: null, normalized: undefined, eventTime, issues: [], policyHash: policy.hash };
    }
    const text = entry.events.text(place);
    const { payload, eventTime, issues, quarantined } = policy.normalize(parseJson(text) as JsonObject, entry.at);
    return {
      raw: JSON.parse(text) as JsonValue,
      normalized: quarantined
        ? undefined
        : { payload: JSON.parse(payload) as JsonValue, contentHash: payloadHash(entry.events.salt(place), payload) },
      ...{ eventTime, issues, policyHash: policy.hash },
    };
  }

  /** The policy named in the leaf; for an event that has none yet, the one that was in force when it came. */
  #policyOf(record: EventRecord): CompiledPolicy {
    const policyHash = policyHashIn(record.certified?.line.leaf, record);
    if (policyHash === undefined) return this.#policies.compile(this.#policyInForce(record));
    return this.#policies.named(policyHash);
  }

  #policyInForce({ entry }: EventRecord): MappingPolicy {
    const found = this.#journal.configBefore(entry.stream, entry.first);
    const config = found && (JSON.parse(found.config) as StreamConfig);
    return config?.sources[entry.source] ?? {};
  }
}

/** A fused leaf's own policy is how it was decided; each input has the one by which it was normalized. */
function policyHashIn(leaf: Leaf | undefined, record: EventRecord): string | undefined {
  if (leaf?.kind === 'record' || leaf?.kind === 'quarantined') return leaf.policyHash;
  if (leaf?.kind !== 'fused') return undefined;
  const { source } = record.entry;
  const input = leaf.inputs.find(([name, seq]) => name === source && seq === seqOf(record));
  if (input === undefined) throw new StoreError('damaged', `the leaf of event ${record.position} does not name it`);
  return input[3];
}
