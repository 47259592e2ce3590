/** Quarantine in words. */
import type { Refusal } from '../server-client.ts';
import type { Item, Sweep } from './client.ts';

/** Two lines: which event, and why it is there or what became of it. */
export function describeItem({ eventId, sourceId, seq, receivedAt, reasons, resolution }: Item): string {
  const end = resolution === undefined ? '' : `\n    ${describeResolution(resolution)}`;
  return `${eventId}  ${sourceId} seq ${seq}  ${receivedAt}\n    ${reasons.join('; ')}${end}\n`;
}

export function describeRefusal(id: string, { error, hint, reasons = [] }: Refusal): string {
  const why = reasons.length === 0 ? hint : `${reasons.join('; ')}\n    ${hint}`;
  return `${id}  ${error}: ${why}\n`;
}

export function describeStill({ eventId, sourceId, seq, reasons }: Sweep['stillQuarantined'][number]): string {
  return `${eventId}  ${sourceId} seq ${seq}  still-quarantined: ${reasons.join('; ')}\n`;
}

function describeResolution({ action, by, reason, at }: NonNullable<Item['resolution']>): string {
  return `${action === 'release' ? 'released' : 'discarded'} by ${by} at ${at}: ${reason}`;
}
