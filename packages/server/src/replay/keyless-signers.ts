/**
 * Signatures for a replay, which has no keys. What is signed over a manifest or a root is not part of it and stays
 * empty; what is signed within a leaf is taken from the stored leaf, if the log's key has made it for the same text.
 */
import { type ControlLeaf, controlText, verifyControl } from '@tidemark/proof';
import type { Signers } from '../certify/stream-log.ts';

/** @param storedControl the control leaf in the ledger at this place, if there is one */
export function keylessSigners(storedControl: (stream: string, leaf: number) => ControlLeaf | undefined): Signers {
  return {
    version: () => '',
    checkpoint: () => '',
    control: (logKey, text, stream, leaf) => {
      const stored = storedControl(stream, leaf);
      const own = stored !== undefined && controlText(stored) === text && verifyControl(stored, logKey);
      return own ? stored.signature : '';
    },
  };
}
