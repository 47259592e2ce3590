/** What a delivery is called, `webhook-id` included: the same whenever it is sent. */
import type { LedgerPosition } from '../store/ledger.ts';

const ID = /^(sub_[0-9a-f]{16})_([0-9a-z]{1,11})$/;

export function deliveryId(subscription: string, position: LedgerPosition): string {
  return `${subscription}_${position.toString(36)}`;
}

/** @returns undefined unless it is one of this subscription */
export function positionIn(subscription: string, id: string): LedgerPosition | undefined {
  const [, owner, position = ''] = ID.exec(id) ?? [];
  if (owner !== subscription) return undefined;
  const value = Number.parseInt(position, 36);
  return deliveryId(subscription, value) === id ? value : undefined;
}
