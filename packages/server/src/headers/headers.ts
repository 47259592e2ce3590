/** The best chain of block headers, for whoever proves something with it. */
import type { Chain } from '@tidemark/proof';

export interface Headers {
  readonly chain: Chain;
  /** Height of the newest block; -1 when no header is known. */
  bestHeight(): number;
  /** Headers of the best chain from `height` on, 80 bytes each as hex; none where the one at `height` is not known. */
  headersFrom(height: number, limit: number): string[];
  /** Height of the block with this hash, as shown, if it is on the best chain. */
  heightOf(blockHash: string): number | undefined;
  /** 80 bytes as hex. */
  headerAt(height: number): string | undefined;
  close(): void;
}

/** A block, by height and by hash as shown. */
export interface BlockAt {
  height: number;
  hash: string;
}
