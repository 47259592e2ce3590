/** Leaves of locked batches, which searches must not show. */
import type { BatchStore } from '../store/batches.ts';
import type { Certificates } from './certificate.ts';

export interface LeafExtent {
  stream: string;
  start: number;
  end: number;
}

export class LockedLeaves {
  readonly #store: Pick<BatchStore, 'locked' | 'one'>;
  readonly #certificates: Pick<Certificates, 'extent' | 'of'>;
  /** Of batches that are certified: their leaves stay what they are. */
  readonly #settled = new Map<string, LeafExtent | undefined>();

  constructor(store: Pick<BatchStore, 'locked' | 'one'>, certificates: Pick<Certificates, 'extent' | 'of'>) {
    this.#store = store;
    this.#certificates = certificates;
  }

  /** As things are now. */
  extents(): LeafExtent[] {
    return this.#store.locked().flatMap((tag) => this.#extent(tag) ?? []);
  }

  #extent(tag: string): LeafExtent | undefined {
    if (this.#settled.has(tag)) return this.#settled.get(tag);
    const stream = this.#store.one(tag)?.stream;
    if (stream === undefined) return undefined;
    const { certified } = this.#certificates.of(tag);
    const extent = this.#certificates.extent(tag, stream);
    if (certified) this.#settled.set(tag, extent);
    return extent;
  }
}
