/** ARC's words and numbers, and what follows from them. */
import type { CoinVerdict } from '../../store/coins.ts';

const MINED = ['MINED', 'IMMUTABLE'];
const ON_ITS_WAY = [
  ...['QUEUED', 'RECEIVED', 'STORED', 'ANNOUNCED_TO_NETWORK', 'REQUESTED_BY_NETWORK', 'SENT_TO_NETWORK'],
  ...['ACCEPTED_BY_NETWORK', 'SEEN_ON_NETWORK', 'SEEN_MULTIPLE_NODES'],
];

export function isMinedWord(txStatus: string): boolean {
  return MINED.includes(txStatus);
}

/** Nothing speaks against its being mined. */
export function isOnItsWay(txStatus: string): boolean {
  return ON_ITS_WAY.includes(txStatus);
}

/**
 * What a refusal says of the coins, and whether the fee was at fault. 460, 462: the inputs cannot be found, or are not
 * as said; 466: the network has another transaction that spends them; 471, 472: they are frozen; 465, 473: the fee is
 * too low. All others are about the transaction itself.
 */
export function blameOf(code: number): { coins: CoinVerdict; fee: boolean } {
  if ([465, 473].includes(code)) return { coins: 'good', fee: true };
  if ([471, 472].includes(code)) return { coins: 'gone', fee: false };
  return { coins: [460, 462, 466].includes(code) ? 'doubtful' : 'good', fee: false };
}
