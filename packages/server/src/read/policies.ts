/** Mapping policies by hash, compiled once. */
import { type CompiledPolicy, compilePolicy } from '../normalize/compile.ts';
import type { MappingPolicy } from '../normalize/policy.ts';
import { StoreError } from '../store/errors.ts';
import type { LedgerReader } from '../store/ledger.ts';

/** Compiled policies kept, so that a history of many cannot fill the memory. */
const KEPT_POLICIES = 64;

export class Policies {
  readonly #ledger: LedgerReader;
  readonly #compiled = new Map<string, CompiledPolicy>();

  constructor(ledger: LedgerReader) {
    this.#ledger = ledger;
  }

  /** The policy that a leaf names. */
  named(hash: string): CompiledPolicy {
    const known = this.#compiled.get(hash);
    if (known !== undefined) return known;
    const policy = this.#ledger.policy(hash);
    if (policy === undefined) throw new StoreError('damaged', `the policy ${hash} is missing`);
    return this.compile(JSON.parse(policy) as MappingPolicy);
  }

  compile(policy: MappingPolicy): CompiledPolicy {
    const compiled = compilePolicy(policy);
    if (this.#compiled.size >= KEPT_POLICIES) this.#compiled.clear();
    this.#compiled.set(compiled.hash, compiled);
    return compiled;
  }
}
