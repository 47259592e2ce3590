import { describe, expect, it } from 'vitest';
import { Tidemark } from '../src/index.ts';
import { begin, body, first, frame, wantedBy } from './played.ts';
import { eventually, failureOf, listen } from './stand-in.ts';

/** A count, once it stays what it is. */
async function standing(count: () => number): Promise<number> {
  let before = -1;
  await eventually(() => {
    const now = count();
    const moved = now !== before;
    before = now;
    expect(moved).toBe(false);
  }, 300);
  return before;
}

describe('over server-sent events', () => {
  it('waits as long as the server wants before it comes back', async () => {
    const delays: number[] = [];
    const url = await listen((_request, response) => {
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end('retry: 777\n\nid: c\ndata: {"type":"hello"}\n\n');
    });
    const stop = new AbortController();
    const onRetry = (_error: unknown, delayMs: number) => {
      delays.push(delayMs);
      stop.abort();
    };
    await first(1, url, { onRetry, signal: stop.signal });
    expect(delays).toEqual([777]);
  });

  it('drops a message that is cut off, and gets it whole from the next connection', async () => {
    const wanted: unknown[] = [];
    const url = await listen((request, response) => {
      wanted.push(wantedBy(request));
      begin(response, wanted.length === 1 ? `${frame(1)}${frame(2).slice(0, -3)}` : frame(2));
      if (wanted.length === 1) response.end();
    });
    expect((await first(2, url)).counts).toEqual([1, 2]);
    expect(wanted).toEqual([null, 'c1']);
  });

  it('stops reading while its reader does not ask for more', async () => {
    const large = JSON.stringify({ ...body(1), eventIds: ['x'.repeat(64 * 1024)] });
    let written = 0;
    const url = await listen((_request, response) => {
      begin(response);
      const more = () => {
        while (written < 4000 && response.write(`id: c${written++}\ndata: ${large}\n\n`));
      };
      response.on('drain', more);
      more();
    });
    const messages = new Tidemark({ url }).watch();
    await messages.next();
    // What the network and fetch hold is a matter of megabytes; then no more is taken.
    const held = await standing(() => written);
    expect(held).toBeLessThan(1000);
    for (let n = 0; n < held; n++) await messages.next();
    await eventually(() => expect(written).toBeGreaterThan(held));
    await messages.return();
  });

  it('takes no page of another kind for a feed', async () => {
    const url = await listen((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    );
    expect(await failureOf(first(1, url))).toMatchObject({ code: 'bad-answer' });
  });

  it('sends all that is asked for', async () => {
    let asked = '';
    const url = await listen((request, response) => {
      asked = request.url ?? '';
      begin(response, frame(1, { ...body(1), stream: 'b' }));
    });
    const list = { stream: ['a', 'b'], sourceId: 's', type: ['received', 'gap'] as const, fields: ['x', 'y.z'] };
    await first(1, `${url}/base`, { ...list, filter: 'x > 1', split: '0/2', key: 'x', since: 'c0', slow: 'close' });
    const { pathname, searchParams } = new URL(asked, url);
    expect(pathname).toBe('/base/watch');
    expect(Object.fromEntries(searchParams)).toEqual({
      ...{ stream: 'a,b', sourceId: 's', type: 'received,gap', fields: 'x,y.z' },
      ...{ filter: 'x > 1', split: '0/2', key: 'x', since: 'c0', slow: 'close' },
    });
  });

  it('waits as long after a connection that broke', async () => {
    const delays: number[] = [];
    const url = await listen((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`retry: 700\n\n${frame(1)}`, () => request.socket.destroy());
    });
    const stop = new AbortController();
    const onRetry = (_error: unknown, delayMs: number) => {
      delays.push(delayMs);
      stop.abort();
    };
    await first(2, url, { onRetry, signal: stop.signal });
    expect(delays).toEqual([700]);
  });
});
