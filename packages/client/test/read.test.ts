import { describe, expect, it } from 'vitest';
import { Tidemark } from '../src/index.ts';
import { failureOf, listen, problem } from './stand-in.ts';

const item = (n: number) => ({ eventId: `e${n}`, stream: 's' });

/** A server whose feed has these pages, by the cursor that is sent. */
function paged(pages: Record<string, unknown>): Promise<string> {
  return listen((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (searchParams.has('cursor') && searchParams.has('since')) return problem(response, 400, 'bad-request');
    response.end(JSON.stringify(pages[searchParams.get('cursor') ?? searchParams.get('since') ?? '']));
  });
}

async function feedOf(pages: Record<string, unknown>, since?: string) {
  const ids: string[] = [];
  for await (const { eventId } of new Tidemark({ url: await paged(pages) }).feed({ since })) ids.push(eventId);
  return ids;
}

describe('a feed', () => {
  it('goes on over short and empty pages, until the cursor stays where it is', async () => {
    const pages = {
      '': { items: [item(1)], nextCursor: 'a' },
      a: { items: [], nextCursor: 'b' },
      b: { items: [item(2), item(3)], nextCursor: 'c' },
      c: { items: [], nextCursor: 'c' },
    };
    expect(await feedOf(pages)).toEqual(['e1', 'e2', 'e3']);
  });

  it('says where to begin once', async () => {
    const pages = { noon: { items: [item(1)], nextCursor: 'a' }, a: { items: [], nextCursor: 'a' } };
    expect(await feedOf(pages, 'noon')).toEqual(['e1']);
  });

  it('ends where there is no next page', async () => {
    expect(await feedOf({ '': { items: [item(1)], nextCursor: null } })).toEqual(['e1']);
  });

  it.each([
    ['no list', { nextCursor: 'a' }],
    ['no cursor', { items: [] }],
    ['an item that is none', { items: [1], nextCursor: 'a' }],
  ])('takes no answer of another kind: %s', async (_what, page) => {
    expect(await failureOf(feedOf({ '': page }))).toMatchObject({ code: 'bad-answer' });
  });

  it('does not go round in circles', async () => {
    const pages = { '': { items: [item(1)], nextCursor: 'a' }, a: { items: [item(2)], nextCursor: 'a' } };
    expect(await failureOf(feedOf(pages))).toMatchObject({ code: 'bad-answer' });
  });
});

describe('verify', () => {
  const id = 'ab'.repeat(16);

  it('takes no proof of another event', async () => {
    const url = await listen((_request, response) =>
      response.end(JSON.stringify({ leaf: { kind: 'record', eventId: 'cd' } })),
    );
    expect(await failureOf(new Tidemark({ url }).verify(id))).toMatchObject({ code: 'bad-answer' });
  });

  it('waits until there is a proof', async () => {
    let asked = 0;
    const url = await listen((_request, response) => {
      asked++;
      if (asked < 3) problem(response, 409, 'not-certified-yet', { 'retry-after': '0' });
      else response.end(JSON.stringify({ leaf: { kind: 'record', eventId: id } }));
    });
    expect(await new Tidemark({ url }).verify(id)).toMatchObject({ valid: false, reason: 'malformed' });
    expect(asked).toBe(3);
  });

  it('reads a file that is none as malformed', async () => {
    const report = await new Tidemark({ url: 'http://127.0.0.1:1' }).verify({ format: 'none' });
    expect(report).toMatchObject({ valid: false, reason: 'malformed', proof: { format: 'none' } });
  });
});

describe('a client', () => {
  it.each(['nowhere', 'ftp://example.org', ''])('is not of %j', (url) => {
    expect(() => new Tidemark({ url })).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  it('takes a fetch of one’s own', async () => {
    const asked: string[] = [];
    const own: typeof fetch = async (input) => {
      asked.push(String(input));
      return new Response('{"eventId":"x"}');
    };
    const tidemark = new Tidemark({ url: 'https://example.org/tide', fetch: own });
    expect(await tidemark.event('x y', { seq: 2 })).toEqual({ eventId: 'x' });
    expect(asked).toEqual(['https://example.org/tide/ingest/events/x%20y?seq=2']);
  });
});
