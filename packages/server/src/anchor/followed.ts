/** The chain that this node follows, as the verifier of envelopes wants it. */
import { type FollowedChain, parseHeader } from '@tidemark/proof';
import type { Headers } from '../headers/headers.ts';

/** Any target: what the node follows has met the floor of its chain before it was followed. */
const NO_FLOOR = 0x207f_ffff;

export function followed(headers: Headers): FollowedChain {
  return {
    pin: { floorBits: NO_FLOOR },
    find: (hash) => {
      const height = headers.heightOf(hash);
      const header = height === undefined ? undefined : headers.headerAt(height);
      if (height === undefined || header === undefined) return undefined;
      return { height, header: parseHeader(Buffer.from(header, 'hex')) };
    },
    confirmations: (hash) => {
      const height = headers.heightOf(hash);
      return height === undefined ? 0 : headers.bestHeight() - height + 1;
    },
  };
}
