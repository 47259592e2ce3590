/**
 * Signatures for a replay, which has no keys. What is signed over a manifest or a root is not part of it and stays
 * empty; what is signed within a leaf is taken from the stored leaf, if the log's key has made it for the same text.
 */
import { type ControlLeaf, controlText, verifyControl } from '@tidemark/proof';
import type { Signers } from '../certify/stream-log.ts';

/** @param storedControls control leaves in the ledger about an event of a source */
export function keylessSigners(
  storedControls: (stream: string, source: string, seq: number) => ControlLeaf[],
): Signers {
  return {
    version: () => '',
    checkpoint: () => '',
    control: (logKey, text) => {
      const { stream, data } = JSON.parse(text) as { stream: string; data: { source: string; seq: number } };
      const stored = storedControls(stream, data.source, data.seq);
      const own = stored.find((leaf) => controlText(leaf) === text && verifyControl(leaf, logKey));
      return own?.signature ?? '';
    },
  };
}
