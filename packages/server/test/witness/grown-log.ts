/** A log in memory, as long as a test wants it, and its branches. */
import { hash } from 'node:crypto';
import {
  consistencyProof,
  formatAddCheckpoint,
  formatVerifierKey,
  leafHash,
  nodeHash,
  rootOf,
  signCheckpoint,
  toHex,
  utf8,
  verifierKey,
} from '@tidemark/proof';
import { LogKey } from '../../src/keys.ts';

const sha256 = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer');

export class GrownLog {
  readonly origin: string;
  readonly key: string;
  readonly #secret: LogKey;
  readonly #branch: { name: string; from: number };

  /** @param branch leaves from there on are others than those of the log without one */
  constructor(origin: string, branch = { name: '', from: 0 }, seed = 3) {
    this.origin = origin;
    this.#branch = branch;
    this.#secret = new LogKey(new Uint8Array(32).fill(seed));
    this.key = formatVerifierKey(verifierKey(origin, this.#secret.publicKey));
  }

  checkpoint(size: number): string {
    const key = verifierKey(this.origin, this.#secret.publicKey);
    return signCheckpoint({ origin: this.origin, size, root: this.root(size) }, key, (text) => this.#secret.sign(text));
  }

  root(size: number): string {
    return toHex(rootOf(size, this.#node, sha256));
  }

  proof(from: number, to: number): Uint8Array[] {
    return from === 0 ? [] : consistencyProof(from, to, this.#node, sha256);
  }

  /** Body of a request. */
  request(from: number, to: number): string {
    return formatAddCheckpoint({ oldSize: from, proof: this.proof(from, to), checkpoint: this.checkpoint(to) });
  }

  readonly #node = (level: number, index: number): Uint8Array => {
    const { name, from } = this.#branch;
    if (level === 0) return leafHash(utf8(`${index < from ? '' : name} ${index}`), sha256);
    return nodeHash(this.#node(level - 1, 2 * index), this.#node(level - 1, 2 * index + 1), sha256);
  };
}
