/** What can be worked out again from the journal at any time: the raw event, and what its policy makes of it. */
import { hash } from 'node:crypto';
import type { Leaf } from '@tidemark/proof';
import { type JsonObject, type JsonValue, parseJson } from '../json/parse.ts';
import { type CompiledPolicy, compilePolicy } from '../normalize/compile.ts';
import type { MappingPolicy } from '../normalize/policy.ts';
import { StoreError } from '../store/errors.ts';
import type { JournalReader } from '../store/journal.ts';
import type { LedgerReader } from '../store/ledger.ts';
import type { StreamConfig } from '../stream.ts';
import { type EventRecord, seqOf } from './events.ts';

export interface Rebuilt {
  raw: JsonValue;
  /** What its policy makes of it; undefined for an event that the policy refuses. */
  normalized: { payload: JsonValue; contentHash: string } | undefined;
  eventTime: string;
  issues: string[];
  policyHash: string;
}

/** Compiled policies kept, so that a history of many cannot fill the memory. */
const KEPT_POLICIES = 64;

export class Reconstruction {
  readonly #journal: JournalReader;
  readonly #ledger: LedgerReader;
  readonly #compiled = new Map<string, CompiledPolicy>();

  constructor(journal: JournalReader, ledger: LedgerReader) {
    this.#journal = journal;
    this.#ledger = ledger;
  }

  of(record: EventRecord): Rebuilt {
    const { entry, place } = record;
    const text = entry.events.text(place);
    const policy = this.#policyOf(record);
    const { payload, eventTime, issues, quarantined } = policy.normalize(parseJson(text) as JsonObject, entry.at);
    return {
      raw: JSON.parse(text) as JsonValue,
      normalized: quarantined
        ? undefined
        : { payload: JSON.parse(payload) as JsonValue, contentHash: hash('sha256', payload, 'hex') },
      ...{ eventTime, issues, policyHash: policy.hash },
    };
  }

  /** The policy named in the leaf; for an event that has none yet, the one that was in force when it came. */
  #policyOf(record: EventRecord): CompiledPolicy {
    const policyHash = policyHashIn(record.certified?.line.leaf, record);
    if (policyHash === undefined) return this.#compile(this.#policyInForce(record));
    const known = this.#compiled.get(policyHash);
    if (known !== undefined) return known;
    const policy = this.#ledger.policy(policyHash);
    if (policy === undefined) throw new StoreError('damaged', `the policy ${policyHash} is missing`);
    return this.#compile(JSON.parse(policy) as MappingPolicy);
  }

  #policyInForce({ entry }: EventRecord): MappingPolicy {
    const found = this.#journal.configBefore(entry.stream, entry.first);
    const config = found && (JSON.parse(found.config) as StreamConfig);
    return config?.sources[entry.source] ?? {};
  }

  #compile(policy: MappingPolicy): CompiledPolicy {
    const compiled = compilePolicy(policy);
    if (this.#compiled.size >= KEPT_POLICIES) this.#compiled.clear();
    this.#compiled.set(compiled.hash, compiled);
    return compiled;
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
