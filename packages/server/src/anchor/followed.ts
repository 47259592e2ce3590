/** The chain that this node follows, as the verifier of envelopes wants it. */
import { type FollowedChain, parseHeader } from '@tidemark/proof';
import type { Headers } from '../headers/headers.ts';
import { doubleHash, reversedHex } from './mining.ts';

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

/** The block that an envelope names, by its header or its hash; read without parsing all of a text that may be long. */
export function blockHashOf(envelope: string): string | undefined {
  const header = /"blockHeader":"([0-9a-f]{160})"/.exec(envelope)?.[1];
  if (header !== undefined) return reversedHex(doubleHash(Buffer.from(header, 'hex')));
  return /"blockHash":"([0-9a-f]{64})"/.exec(envelope)?.[1];
}
