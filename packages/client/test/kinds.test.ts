/** Verified watches of streams whose leaves are not plain records. */
import { beforeAll, describe, expect, it } from 'vitest';
import { AT_ONCE, settled, useServer, wholeFeed } from '../../server/test/http/server.ts';
import { idOf, useWeather } from '../../server/test/http/weather.ts';
import { type CertifiedMessage, Tidemark, type VerifiedWatchOptions } from '../src/index.ts';
import { between } from './between.ts';
import { failureOf } from './stand-in.ts';

/** The certified messages of a verified watch, until there are so many. */
async function verified(count: number, url: string, options: VerifiedWatchOptions): Promise<CertifiedMessage[]> {
  const messages: CertifiedMessage[] = [];
  for await (const message of new Tidemark({ url }).watch({ since: 'earliest', verify: {}, ...options })) {
    if (message.type === 'certified') messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

describe('streams that fuse', () => {
  const { server } = useWeather();

  it('are verified as they go, corrections too', async () => {
    const items = (await wholeFeed(server.url)).filter(({ status }) => status === 'certified');
    const messages = await verified(items.length, server.url, {});
    const ids = (list: { eventId: string }[]) => list.map(({ eventId }) => eventId);
    expect(ids(messages)).toEqual(ids(items));
    expect(messages.some(({ supersedes }) => supersedes !== undefined)).toBe(true);
  });

  it('show a record that is not what was decided', async () => {
    const isRome = ({ type, eventId }: CertifiedMessage) => type === 'certified' && eventId === idOf('Rome');
    const { url } = await between(server.url, {
      message: (one) => [isRome(one) ? { ...one, normalized: { city: 'Rome', temp: 40 } } : one],
    });
    const items = (await wholeFeed(server.url)).filter(({ status }) => status === 'certified');
    expect(await failureOf(verified(items.length, url, {}))).toMatchObject({
      ...{ code: 'record-altered', eventId: idOf('Rome'), message: expect.stringContaining('payload') },
    });
  });

  it('give the proof of the record for any of its inputs', async () => {
    const tidemark = new Tidemark({ url: server.url });
    const [rome] = (await tidemark.event(idOf('Rome'))).candidates as { eventId: string }[];
    expect(await tidemark.verify(rome!.eventId, { dev: true })).toMatchObject({ valid: true });
  });
});

describe('a salted stream', () => {
  const server = useServer({
    sources: [{ id: 'visits' }],
    streams: [{ id: 'visits', publish: AT_ONCE, salted: true }],
  });
  beforeAll(async () => {
    const { inserted } = await new Tidemark({ url: server.url }).publish([{ id: 'a' }, { id: 'b' }], {
      sourceId: 'visits',
    });
    await settled(server.url, inserted[1]!);
  });

  it('is verified but for its payloads, whose salts are in the proofs', async () => {
    const messages = await verified(2, server.url, { verify: { salted: true } });
    expect(messages.map(({ normalized }) => normalized)).toEqual([{ id: 'a' }, { id: 'b' }]);
    const { url } = await between(server.url, { message: (one) => [{ ...one, contentHash: 'ab'.repeat(32) }] });
    expect(await failureOf(verified(2, url, { verify: { salted: true } }))).toMatchObject({ code: 'record-altered' });
  });

  it('is not taken for another', async () => {
    expect(await failureOf(verified(2, server.url, {}))).toMatchObject({ code: 'record-altered' });
  });
});
