/** That a transaction is mined, by a path that somebody else gives and headers that are our own. */
import { bumpRoot, envelopeOfBump, fromHex, ProofError, parseBump, parseHeader, pathOfBump } from '@tidemark/proof';
import type { Headers } from '../../headers/headers.ts';

/** `why` not, or not yet. */
export type Mined = { height: number; envelope: object } | { why: string };

/** @param merklePath BUMP, hex */
export function minedEnvelope(rawTx: string, merklePath: string | undefined, headers: Headers): Mined {
  return proven(merklePath, headers, (bump, header) => envelopeOfBump(fromHex(rawTx), bump, header));
}

/** The same of a transaction that is known by its id alone. */
export function isMined(txid: string, merklePath: string | undefined, headers: Headers): boolean {
  const found = proven(merklePath, headers, (bump, header) => {
    if (parseHeader(fromHex(header)).merkleRoot !== bumpRoot(bump))
      throw new ProofError('invalid-bump', 'another root');
    return pathOfBump(bump, txid);
  });
  return 'envelope' in found;
}

function proven(
  merklePath: string | undefined,
  headers: Headers,
  prove: (bump: ReturnType<typeof parseBump>, header: string) => object,
): Mined {
  if (merklePath === undefined) return { why: 'its path is not there yet' };
  try {
    const bump = parseBump(merklePath);
    const header = headers.headerAt(bump.blockHeight);
    if (header === undefined) return { why: `the followed headers have no block at height ${bump.blockHeight} yet` };
    return { height: bump.blockHeight, envelope: prove(bump, header) };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    return { why: `its path proves nothing: ${error.message}` };
  }
}
