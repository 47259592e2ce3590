/** The configurations of each stream, as the journal has them. */
import { hash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import type { Position } from '../event.ts';
import { isMonotonic } from '../fuse/monotonic-check.ts';
import { Identity } from '../intake/identity.ts';
import type { MappingPolicy } from '../normalize/policy.ts';
import type { StreamConfig } from '../stream.ts';

/** A configuration and what follows from it, from `position` on. */
export class JournaledConfig {
  readonly position: Position;
  readonly text: string;
  readonly config: StreamConfig;
  /** SHA-256 of `text`, hex: `content.log.config` of manifests. */
  readonly hash: string;
  /** Of the fusion policy; undefined where sources are not fused. */
  readonly fusionHash: string | undefined;
  readonly #policyHashes: Map<string, string>;
  readonly #identities: Map<string, Identity | undefined>;

  /**
   * @param keyOf key under which a salted stream makes event ids, if it is at hand
   * @throws when the text is no configuration of the stream
   */
  constructor(position: Position, stream: string, text: string, keyOf: (stream: string) => Uint8Array | undefined) {
    const config = JSON.parse(text) as StreamConfig;
    if (canonicalize(config) !== text || config.id !== stream) throw new SyntaxError(`no configuration of ${stream}`);
    this.position = position;
    this.text = text;
    this.config = config;
    this.hash = hash('sha256', text, 'hex');
    this.fusionHash = config.fusion && hash('sha256', canonicalize(config.fusion), 'hex');
    const policies = Object.entries(config.sources);
    this.#policyHashes = new Map(policies.map(([id, policy]) => [id, hash('sha256', canonicalize(policy), 'hex')]));
    const key = this.isSalted ? keyOf(stream) : undefined;
    const knowsIds = !this.isSalted || key !== undefined;
    const identityOf = ([id, policy]: [string, MappingPolicy]) => new Identity({ id, dedup: 'id', policy }, key);
    this.#identities = new Map(policies.map((each) => [each[0], knowsIds ? identityOf(each) : undefined]));
  }

  /** Undefined for a source that does not feed the stream. */
  policyHash(source: string): string | undefined {
    return this.#policyHashes.get(source);
  }

  /** Of all policies that a leaf can name. */
  get policyHashes(): Iterable<string> {
    return [...this.#policyHashes.values(), ...(this.fusionHash === undefined ? [] : [this.fusionHash])];
  }

  /** Leaves are in an order of their own, not in that of the journal. */
  get isOrdered(): boolean {
    return this.config.order !== undefined;
  }

  /** Events go through a stage that remembers something. */
  get isStaged(): boolean {
    return this.isOrdered || isMonotonic(this.config);
  }

  get isSalted(): boolean {
    return this.config.salted === true;
  }

  /** Undefined where its ids cannot be made without a key that is not at hand, and for a source that does not feed it. */
  identity(source: string): Identity | undefined {
    return this.#identities.get(source);
  }
}

export class Configs {
  readonly #byStream = new Map<string, JournaledConfig[]>();

  add(stream: string, config: JournaledConfig): void {
    const known = this.#byStream.get(stream);
    if (known === undefined) this.#byStream.set(stream, [config]);
    else known.push(config);
  }

  get streams(): Iterable<string> {
    return this.#byStream.keys();
  }

  /** Oldest first. */
  of(stream: string): readonly JournaledConfig[] {
    return this.#byStream.get(stream) ?? [];
  }

  /** The one that stands at this position of the journal, if one does. */
  at(stream: string, position: Position): JournaledConfig | undefined {
    return this.of(stream).find((config) => config.position === position);
  }

  /** The one that holds for what stands at `position`. */
  inForce(stream: string, position: Position): JournaledConfig | undefined {
    return this.of(stream).findLast((config) => config.position < position);
  }

  /**
   * The one of this hash under which a packet was sealed.
   * @param from position of the one before
   * @param to the last journal position that has a leaf in the packet; 0 for none
   */
  sealing(stream: string, hash: string, from: Position, to: Position): JournaledConfig | undefined {
    const known = this.of(stream);
    return known.find((config, place) => {
      const next = known[place + 1]?.position ?? Number.POSITIVE_INFINITY;
      return config.hash === hash && config.position >= from && next > to;
    });
  }

  /** Since when the stage that a stream goes through at `position` has been there. */
  stagedSince(stream: string, position: Position): Position {
    const known = this.of(stream).filter((config) => config.position < position);
    const ordered = known.at(-1)?.isOrdered;
    const other = known.findLastIndex((config) => !config.isStaged || config.isOrdered !== ordered);
    return known[other + 1]?.position ?? position;
  }
}
