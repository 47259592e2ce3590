import { expect, it } from 'vitest';
import { Tidemark } from '../src/index.ts';
import { failureOf } from './stand-in.ts';

/** As from plain JavaScript, where no compiler looks at it. */
// biome-ignore lint/suspicious/noExplicitAny: what is not allowed is the point.
type Loose = any;

const tidemark: Loose = new Tidemark({ url: 'http://127.0.0.1:1', retryForMs: 0 });
const PROOF = { format: 'none' };

const wrong: [string, () => unknown, RegExp][] = [
  ['Tidemark', () => new Tidemark({ url: 'http://a', tokn: 'x' } as Loose), /"tokn", but there are fetch, .*token/],
  ['Tidemark', () => new Tidemark({ url: 'http://a', timeoutMs: '5' } as Loose), /timeoutMs/],
  ['publish', () => tidemark.publish([], { source: 'a' }), /"source", but there are .*sourceId/],
  ['publish', () => tidemark.publish([], { inFlight: 2 }), /"inFlight"/],
  ['publish', () => tidemark.publish([], { format: 'csv' }), /format is json or ndjson, not csv/],
  ['publishFrom', () => tidemark.publishFrom([], { inFlight: 0 }).next(), /inFlight/],
  ['publishFrom', () => tidemark.publishFrom([], { lingerMs: Number.NaN }).next(), /lingerMs/],
  ['watch', () => tidemark.watch({ streams: 'a' }), /"streams", but there are .*stream, .*verify/],
  ['watch', () => tidemark.watch({ transport: 'carrier' }), /transport is sse or websocket, not carrier/],
  ['watch', () => tidemark.watch({ idleTimeoutMs: -1 }), /idleTimeoutMs/],
  ['watch', () => tidemark.watch(null), /no object/],
  ['watch', () => tidemark.watch({ verify: { logKey: 'a' } }), /"logKey", but there are from, logKeys/],
  ['feed', () => tidemark.feed({ type: 'certified' }), /"type", but there are cursor, /],
  ['log', () => tidemark.log('a', { salted: true }), /"salted"/],
  ['event', () => tidemark.event('a', { version: 1 }), /"version"/],
  ['verify', () => tidemark.verify(PROOF, { logKeys: [] }), /"logKeys", but there are dev, .*logKey/],
  ['verify', () => tidemark.verify(PROOF, {}, { dev: true }), /"dev"/],
];

it.each(wrong)('%s takes nothing that it does not know, %#', async (_name, call, message) => {
  const failure = await failureOf((async () => call())());
  expect(failure).toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) });
});

it('an address that does not answer is named, without its query', async () => {
  const url = 'http://127.0.0.1:1/base';
  const failure = await failureOf(new Tidemark({ url, retryForMs: 0 }).publish([{}], { sourceId: 'secret' }));
  expect(failure).toMatchObject({ code: 'unreachable', message: `${url}/ingest/events: no answer` });
});
