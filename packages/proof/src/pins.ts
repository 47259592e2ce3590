/** Where a proof's anchor can be. `tidemark-dev` is a node's own proof-of-work chain, which proves mechanics only. */
export const CHAINS = ['main', 'test', 'regtest', 'tidemark-dev'] as const;
export type Chain = (typeof CHAINS)[number];

/** A block that the verifier takes as given, and the least work that it accepts from there on. */
export interface Pin {
  height: number;
  /** Block hash as shown, hex. */
  hash: string;
  /** No header after the pin may have an easier target than this, in compact form. */
  floorBits: number;
}

/** The floor of the development chain: one hash in 4096 meets it. */
export const DEVELOPMENT_FLOOR_BITS = 0x1f0fffff;

/**
 * The pins that ship. `main` is the first block after BSV parted from BCH: the block, by height and hash, by which the
 * Open BSV License defines the chain. Its floor, target 2^192, is difficulty 2^32, about 4.3 × 10^9: a twelfth of the
 * 51.2 × 10^9 that WhatsOnChain's documentation shows for height 905,064 (July 2025), the lowest reading known when
 * this was set (287 × 10^9 at height 635,302), and still some 2^64 hashes for each forged block.
 * The test networks allow blocks of minimal difficulty, so nothing shipped here would prove anything of them:
 * a verifier who wants them brings a pin.
 */
export const PINS: Partial<Record<Chain, Pin>> = {
  main: {
    height: 556_767,
    hash: '000000000000000001d956714215d96ffc00e0afda4cd0a96c96f8d802b1662b',
    floorBits: 0x19010000,
  },
};
