/** Follows one source: finds where its headers meet what is known, and hands the store what comes after. */
import { HEADER_BYTES } from '@tidemark/proof';
import { StoreError } from '../store/errors.ts';
import { HeaderError, type HeaderErrorCode } from './errors.ts';
import type { HeaderStore } from './header-store.ts';
import type { BlockAt } from './headers.ts';
import { type Added, MAX_REORGANIZATION } from './placing.ts';
import { readHeader } from './raw-header.ts';
import type { HeaderSource } from './sources/source.ts';

export interface SourceState {
  name: string;
  /** The height that it said last; absent before its first answer. */
  height?: number;
  /** When all that it has was last looked at and found to link; milliseconds since 1970. */
  lastOkAt?: number;
  /** What keeps it from being of use now. */
  trouble?: { code: HeaderErrorCode | 'write-failed'; message: string };
}

/** The best chain has another end. */
export interface TipChange {
  tip: BlockAt;
  reorganized?: { from: number; left: string[] };
}

export interface Following {
  store: HeaderStore;
  /** Milliseconds since 1970. */
  now: () => number;
  onChange: (change: TipChange) => void;
}

/** Headers asked for at once. */
const BATCH = 2000;
/** Batches that may lead to no better chain before a source is left until its next turn. */
const MAX_IDLE_BATCHES = 2;

export class SourceFollower {
  readonly #source: HeaderSource;
  readonly #following: Following;
  #state: SourceState;

  constructor(source: HeaderSource, following: Following) {
    this.#source = source;
    this.#following = following;
    this.#state = { name: source.name };
  }

  get state(): SourceState {
    return this.#state;
  }

  /**
   * Asks once for all that is new. What a source can cost is bounded: beside a dozen single headers it is asked only
   * for as long as what it gives makes the best chain better.
   * @returns whether it was of use; what was not is in the state
   */
  async poll(signal: AbortSignal): Promise<boolean> {
    const { trouble: _, ...state } = this.#state;
    try {
      state.height = await this.#source.height(signal);
      await this.#follow(state.height, signal);
      this.#state = { ...state, lastOkAt: this.#following.now() };
      return true;
    } catch (error) {
      const code = troubleCode(error);
      if (code === undefined) throw error;
      this.#state = { ...state, trouble: { code, message: (error as Error).message } };
      return false;
    }
  }

  async #follow(height: number, signal: AbortSignal): Promise<void> {
    const { store } = this.#following;
    let from = await this.#meet(height, signal);
    for (let idle = 0; from <= height && !signal.aborted; ) {
      const { raw, next } = await this.#source.read(from, Math.min(BATCH, height - from + 1), signal);
      if (next <= from) throw this.#incomplete(`says that it has height ${height}, and has no header at ${from}`);
      const added = this.#take(raw);
      const { hash } = readHeader(raw.subarray(-HEADER_BYTES));
      if (!store.has(hash)) throw this.#disagrees(refusal(added, hash));
      const isBest = store.heightOf(hash) !== undefined;
      if (!isBest && ++idle >= MAX_IDLE_BATCHES && next <= height) {
        throw this.#disagrees(`gives headers up to height ${next - 1} that lead to no better chain`);
      }
      // Others may have brought more in the meantime.
      from = isBest ? Math.max(next, store.tip().height + 1) : next;
    }
  }

  /** The height to read on from: of a block of the source that is known, or that links. Goes back in doubled steps. */
  async #meet(height: number, signal: AbortSignal): Promise<number> {
    const { store } = this.#following;
    const { height: best } = store.tip();
    const lowest = Math.max(store.pin.height, best - MAX_REORGANIZATION);
    const start = Math.min(best, height);
    if (start < lowest) throw this.#incomplete(`has no header above height ${height} yet, and ${lowest} is needed`);
    for (let back = 0; ; back = Math.max(1, back * 2)) {
      const at = Math.max(lowest, start - back);
      const { raw } = await this.#source.read(at, 1, signal);
      if (raw.length === 0) throw this.#incomplete(`says that it has height ${height}, and has no header at ${at}`);
      const { hash, prevHash } = readHeader(raw);
      if (store.has(hash)) return at === height ? at + 1 : at;
      if (store.has(prevHash)) return at;
      if (at > lowest) continue;
      const reach = lowest === store.pin.height ? 'the pinned block' : `the last ${MAX_REORGANIZATION} blocks`;
      throw this.#disagrees(`has nothing in common with ${reach}`);
    }
  }

  #take(raw: Uint8Array): Added {
    const { store, now, onChange } = this.#following;
    const added = store.add(raw, now());
    const { tip, reorganized } = added;
    if (tip !== undefined) onChange({ tip, ...(reorganized && { reorganized }) });
    return added;
  }

  #incomplete(why: string): HeaderError {
    return new HeaderError('source-incomplete', `${this.#source.name} ${why}`);
  }

  #disagrees(why: string): HeaderError {
    return new HeaderError('source-disagrees', `${this.#source.name} ${why}`);
  }
}

function refusal({ refused }: Added, last: string): string {
  return `gives header ${refused?.hash ?? last}, which is refused: ${refused?.reason ?? 'unlinked'}`;
}

/** Undefined for what is neither the source's fault nor the disk's, and so a defect. */
function troubleCode(error: unknown): HeaderErrorCode | 'write-failed' | undefined {
  if (error instanceof HeaderError) return error.code;
  return error instanceof StoreError && error.code === 'write-failed' ? error.code : undefined;
}
