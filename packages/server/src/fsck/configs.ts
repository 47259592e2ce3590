/** The configurations of each stream, as the journal has them. */
import { hash } from 'node:crypto';
import { canonicalize } from '@tidemark/proof';
import type { Position } from '../event.ts';
import { Identity } from '../intake/identity.ts';
import type { StreamConfig } from '../stream.ts';

/** A configuration and what follows from it, from `position` on. */
export class JournaledConfig {
  readonly position: Position;
  readonly text: string;
  readonly config: StreamConfig;
  /** SHA-256 of `text`, hex: `content.log.config` of manifests. */
  readonly hash: string;
  readonly #policyHashes: Map<string, string>;
  readonly #identities: Map<string, Identity>;

  /** @throws when the text is no configuration of the stream */
  constructor(position: Position, stream: string, text: string) {
    const config = JSON.parse(text) as StreamConfig;
    if (canonicalize(config) !== text || config.id !== stream) throw new SyntaxError(`no configuration of ${stream}`);
    this.position = position;
    this.text = text;
    this.config = config;
    this.hash = hash('sha256', text, 'hex');
    const policies = Object.entries(config.sources);
    this.#policyHashes = new Map(policies.map(([id, policy]) => [id, hash('sha256', canonicalize(policy), 'hex')]));
    this.#identities = new Map(
      policies.map(([id, policy]) => {
        const source = { id, stream, auth: 'none' as const, enabled: true, dedup: 'id' as const, policy };
        return [id, new Identity(source)];
      }),
    );
  }

  /** Undefined for a source that does not feed the stream. */
  policyHash(source: string): string | undefined {
    return this.#policyHashes.get(source);
  }

  get policyHashes(): Iterable<string> {
    return this.#policyHashes.values();
  }

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

  /** The one that holds for what stands at `position`. */
  inForce(stream: string, position: Position): JournaledConfig | undefined {
    return this.of(stream).findLast((config) => config.position < position);
  }
}
