/** Bodies: CloudEvents 1.0 in JSON, structured mode. */
import { randomUUID } from 'node:crypto';
import type { Message } from '../live/messages.ts';

export const MEDIA_TYPE = 'application/cloudevents+json; charset=utf-8';

/** A message with what its text does not say. */
export interface ToldMessage {
  /** Of its position in the ledger alone: the same whenever it is made. */
  id: string;
  message: Message;
  /** Of the stream's log, without a scheme. */
  origin: string;
  /** What it is about: an event, or a packet. */
  subject: string | undefined;
  /** When the packet was sealed, as its manifest says; milliseconds since 1970. */
  sealedAt: number;
  /** The place after it, as `/watch` has it. */
  cursor: string;
}

/**
 * The `id` is the same in all subscriptions: a place in the ledger has one message. The data is what `/watch` shows,
 * with the cursor; its text goes in as it is.
 */
export function cloudEvent({ id, message, origin, subject, sealedAt, cursor }: ToldMessage): string {
  const attributes = {
    specversion: '1.0',
    id,
    // A reference without a scheme: an origin is a name, which need not be served anywhere.
    source: `//${origin}`,
    type: `tidemark.${message.type}`,
    subject,
    // The block, not the packet, says when something was anchored.
    time: message.type === 'anchored' ? undefined : new Date(sealedAt).toISOString(),
    datacontenttype: 'application/json',
  };
  const data = `${message.text.slice(0, -1)},"cursor":${JSON.stringify(cursor)}}`;
  return `${JSON.stringify(attributes).slice(0, -1)},"data":${data}}`;
}

/** An event that says nothing, for whoever sets up a receiver. */
export function testEvent(subscription: string, source: string, now: number): string {
  return JSON.stringify({
    specversion: '1.0',
    id: randomUUID(),
    source,
    type: 'tidemark.test',
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json',
    data: { type: 'test', subscription },
  });
}
