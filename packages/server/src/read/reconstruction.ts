/** What can be worked out again from the journal at any time: the raw event, and what its policy makes of it. */
import { type JsonObject, type JsonValue, parseJson } from '../json/parse.ts';
import { type CompiledPolicy, compilePolicy } from '../normalize/compile.ts';
import type { MappingPolicy } from '../normalize/policy.ts';
import { StoreError } from '../store/errors.ts';
import type { LedgerReader } from '../store/ledger.ts';
import type { StreamConfig } from '../stream.ts';
import type { EventRecord } from './events.ts';

export interface Rebuilt {
  raw: JsonValue;
  /** Undefined for an event that its policy refuses. */
  normalized: JsonValue | undefined;
  issues: string[];
  policyHash: string;
}

/** Compiled policies kept, so that a history of many cannot fill the memory. */
const KEPT_POLICIES = 64;

export class Reconstruction {
  readonly #ledger: LedgerReader;
  readonly #compiled = new Map<string, CompiledPolicy>();

  constructor(ledger: LedgerReader) {
    this.#ledger = ledger;
  }

  of(record: EventRecord): Rebuilt {
    const { entry, place } = record;
    const text = entry.events.text(place);
    const policy = this.#policyOf(record);
    const { payload, issues, quarantined } = policy.normalize(parseJson(text) as JsonObject, entry.at);
    return {
      raw: JSON.parse(text) as JsonValue,
      normalized: quarantined ? undefined : (JSON.parse(payload) as JsonValue),
      issues,
      policyHash: policy.hash,
    };
  }

  /** The policy named in the leaf; for an event that has none yet, the one in force. */
  #policyOf({ entry, certified }: EventRecord): CompiledPolicy {
    const leaf = certified?.line.leaf;
    if (leaf !== undefined && 'policyHash' in leaf) {
      const known = this.#compiled.get(leaf.policyHash);
      if (known !== undefined) return known;
      const policy = this.#ledger.policy(leaf.policyHash);
      if (policy === undefined) throw new StoreError('damaged', `the policy ${leaf.policyHash} is missing`);
      return this.#compile(JSON.parse(policy) as MappingPolicy);
    }
    const row = this.#ledger.stream(entry.stream);
    const config = row && (JSON.parse(row.config) as StreamConfig);
    return this.#compile(config?.sources[entry.source] ?? {});
  }

  #compile(policy: MappingPolicy): CompiledPolicy {
    const compiled = compilePolicy(policy);
    if (this.#compiled.size >= KEPT_POLICIES) this.#compiled.clear();
    this.#compiled.set(compiled.hash, compiled);
    return compiled;
  }
}
