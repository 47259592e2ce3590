/** Private streams of a real server, over both transports and with the log. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AT_ONCE, eventually, useServer } from '../../server/test/http/server.ts';
import { ClientError, Tidemark } from '../src/index.ts';

const TOKEN = 'acme-acme-acme-acme';

const server = useServer({
  sources: [{ id: 'closed' }, { id: 'other' }],
  streams: [
    { id: 'closed', visibility: 'private', publish: AT_ONCE },
    { id: 'other', visibility: 'private', publish: AT_ONCE },
  ],
  readTokens: [{ id: 'acme', token: TOKEN, streams: ['closed'] }],
  anchor: 'none',
});

describe.each(['sse', 'websocket'] as const)('over %s', (transport) => {
  it('the token is shown, and what it does not open is refused', async () => {
    const open = new Tidemark({ url: server.url });
    const { inserted } = await open.publish([{ id: `over ${transport}` }], { sourceId: 'closed' });
    const tidemark = new Tidemark({ url: server.url, token: TOKEN });
    const messages = tidemark.watch({ stream: 'closed', type: 'certified', since: 'earliest', transport });
    for await (const message of messages) if (message.type === 'certified' && message.eventId === inserted[0]) break;
    for (const [client, stream, problem] of [
      [tidemark, 'other', 'stream-not-allowed'],
      [open, 'closed', 'token-required'],
    ] as const) {
      const refused = client.watch({ stream, transport }).next();
      await expect(refused).rejects.toThrow(ClientError);
      await expect(refused).rejects.toMatchObject({ code: 'refused', problem });
    }
  });
});

it('the feed, proofs and the log are read with the token', async () => {
  const admin = readFileSync(server.process.adminTokenFile, 'utf8').trim();
  const tidemark = new Tidemark({ url: server.url, token: TOKEN });
  const { inserted } = await tidemark.publish([{ id: 'proven' }], { sourceId: 'closed' });
  await eventually(async () => {
    expect((await new Tidemark({ url: server.url, token: admin }).event(inserted[0]!)).status).toBe('certified');
  });
  const items = [];
  for await (const item of tidemark.feed({ stream: 'closed' })) items.push(item.eventId);
  expect(items).toContain(inserted[0]);
  expect((await tidemark.verify(inserted[0]!)).valid).toBe(true);
  const kinds = [];
  for await (const { leaf } of tidemark.log('closed').leaves(0, 2)) kinds.push(leaf.kind);
  expect(kinds).toEqual(['header', 'record']);
});
