/** What a client does, for any runtime: nothing here is of Node. */
import { Tidemark } from '../src/index.ts';

export interface RoundTrip {
  url: string;
  /** Ids of the events that are sent. */
  ids: string[];
  pins: { publisher: string; logKeys: string[] };
}

export interface Outcome {
  inserted: string[];
  /** Event ids of a verified watch over each transport, of the feed, and of the log. */
  sse: string[];
  websocket: string[];
  feed: string[];
  valid: boolean;
}

export async function roundTrip({ url, ids, pins }: RoundTrip): Promise<Outcome> {
  const tidemark = new Tidemark({ url });
  const sent = ids.map((id) => ({ id }));
  const { inserted } = await tidemark.publish(sent);
  const watched = async (transport: 'sse' | 'websocket') => {
    const seen: string[] = [];
    for await (const message of tidemark.watch({ type: 'certified', since: 'earliest', verify: pins, transport })) {
      if (message.type === 'certified' && inserted.includes(message.eventId)) seen.push(message.eventId);
      if (seen.length === ids.length) break;
    }
    return seen;
  };
  const [sse, websocket] = [await watched('sse'), await watched('websocket')];
  const feed: string[] = [];
  for await (const { eventId } of tidemark.feed()) if (inserted.includes(eventId)) feed.push(eventId);
  const { publisher, logKeys } = pins;
  const { valid } = await tidemark.verify(inserted[0], { publisher, logKey: logKeys[0]!, dev: true });
  return { inserted, sse, websocket, feed, valid };
}
