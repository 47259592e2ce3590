/** Somebody who has block headers. What comes from one is a proposal: the store alone judges it. */
export interface HeaderSource {
  /** What it is and where, for people; without secrets. */
  readonly name: string;

  /**
   * Height of the newest header that it says it has.
   * @throws HeaderError `source-…`
   */
  height(signal: AbortSignal): Promise<number>;

  /**
   * Headers from `height` on, `count` heights at the most.
   * @throws HeaderError `source-…`
   */
  read(height: number, count: number, signal: AbortSignal): Promise<Stretch>;
}

export interface Stretch {
  /** Headers of 80 bytes, end to end, parents before children. */
  raw: Uint8Array;
  /** The height after the last one. */
  next: number;
}
