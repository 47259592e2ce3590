import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batcher, bodyOf } from '../src/batches.ts';
import { ClientError, Tidemark } from '../src/index.ts';
import { eventually, failureOf, listen, problem, textOf } from './stand-in.ts';

interface Sent {
  path: string | undefined;
  type: string | undefined;
  key: unknown;
  body: string;
}

async function sentIn(request: IncomingMessage): Promise<Sent> {
  const { url: path, headers } = request;
  return { path, type: headers['content-type'], key: headers['idempotency-key'], body: await textOf(request) };
}

function taken(ids: string[], more: object = {}): string {
  return JSON.stringify({ status: 'ok', inserted: ids, count: ids.length, duplicates: 0, rejected: [], ...more });
}

/** A server that takes every event, under its own id. */
async function takingAll(seen: Sent[] = []): Promise<string> {
  return listen(async (request, response) => {
    const sent = await sentIn(request);
    seen.push(sent);
    const lines = sent.body.trim().split('\n');
    response.end(taken(lines.map((line) => (JSON.parse(line) as { id: string }).id)));
  });
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `e${n}` }));

describe('publish', () => {
  it('sends the same request again after every passing failure, until it is taken', async () => {
    const seen: Sent[] = [];
    const url = await listen(async (request, response) => {
      seen.push(await sentIn(request));
      const attempt = seen.length;
      if (attempt === 3) request.socket.destroy();
      else if (attempt === 4)
        response.writeHead(200, { 'content-length': '100' }).write('{', () => request.socket.destroy());
      else if (attempt < 7)
        problem(response, [429, 503, 0, 0, 500, 408][attempt - 1] ?? 0, 'x', { 'retry-after': '0' });
      else response.end(taken(['a']));
    });
    const codes: unknown[] = [];
    const onRetry = (error: unknown) => codes.push((error as ClientError).code);
    const answer = await new Tidemark({ url }).publish([{ id: 'a' }], { sourceId: 'demo', onRetry });
    expect(answer).toEqual({ inserted: ['a'], count: 1, duplicates: 0, rejected: [], receipts: [] });
    expect(codes).toEqual(['unavailable', 'unavailable', 'unreachable', 'unreachable', 'unavailable', 'unavailable']);
    expect(seen).toEqual(Array(7).fill({ ...seen[0], path: '/ingest/events?sourceId=demo', body: '{"id":"a"}\n' }));
    expect(seen[0]?.key).toMatch(/^[0-9a-f]{32}-0$/);
  });

  it('gives each call a key of its own, unless it is given one', async () => {
    const seen: Sent[] = [];
    const tidemark = new Tidemark({ url: await takingAll(seen) });
    await tidemark.publish([{ id: 'a' }]);
    await tidemark.publish([{ id: 'a' }]);
    await tidemark.publish(numbered(3), { idempotencyKey: 'mine', maxEvents: 2 });
    expect(seen[0]?.key).not.toBe(seen[1]?.key);
    expect(seen.slice(2).map(({ key }) => key)).toEqual(['mine-0', 'mine-1']);
  });

  it('waits as long as the server says, and gives up when that is too long', async () => {
    let requests = 0;
    const url = await listen((_request, response) => {
      requests++;
      problem(response, 503, 'overloaded', { 'retry-after': '30' });
    });
    const failure = await failureOf(new Tidemark({ url, retryForMs: 20_000 }).publish([{ id: 'a' }]));
    expect(failure).toMatchObject({ code: 'unavailable', status: 503, problem: 'overloaded', retryAfterMs: 30_000 });
    expect(requests).toBe(1);
  });

  it('does not repeat what is refused, and says why', async () => {
    let requests = 0;
    const url = await listen((_request, response) => {
      requests++;
      problem(response, 404, 'source-not-found-or-disabled');
    });
    const failure = await failureOf(new Tidemark({ url }).publish([{ id: 'a' }]));
    expect(failure).toBeInstanceOf(ClientError);
    const said = { problem: 'source-not-found-or-disabled', hint: 'hint of source-not-found-or-disabled', status: 404 };
    expect(failure).toMatchObject({ code: 'refused', ...said });
    expect(requests).toBe(1);
  });

  it('ends with the signal, in the middle of a long wait', async () => {
    const stop = new AbortController();
    const url = await listen((_request, response) => problem(response, 503, 'overloaded', { 'retry-after': '30' }));
    const options = { signal: stop.signal, onRetry: () => stop.abort() };
    expect(await failureOf(new Tidemark({ url }).publish([{ id: 'a' }], options))).toBe(stop.signal.reason);
  });

  it('does not wait for ever for an answer', async () => {
    const url = await listen(() => undefined);
    const failure = await failureOf(new Tidemark({ url, timeoutMs: 20, retryForMs: 0 }).publish([{ id: 'a' }]));
    expect(failure).toMatchObject({ code: 'unreachable' });
  });

  it('counts the events of the whole input', async () => {
    const url = await listen(async (request, response) => {
      const lines = (await textOf(request)).trim().split('\n').length;
      const ids = Array<string>(lines - 1).fill('x');
      response.end(
        taken(ids, { duplicates: ids.length, rejected: [{ index: lines - 1, error: 'too-large', hint: 'h' }] }),
      );
    });
    const answer = await new Tidemark({ url }).publish(numbered(5), { maxEvents: 2 });
    expect(answer).toMatchObject({ inserted: ['x', 'x'], count: 2, duplicates: 2 });
    expect(answer.rejected.map(({ index }) => index)).toEqual([1, 3, 4]);
  });

  it('takes it for an answer that every event of a batch was rejected', async () => {
    const url = await listen((_request, response) => {
      response.writeHead(400).end(JSON.stringify({ error: 'no-valid-events', rejected: [{ index: 0, error: 'e' }] }));
    });
    const answer = await new Tidemark({ url }).publish([{}]);
    expect(answer).toMatchObject({ inserted: [], count: 0, rejected: [{ index: 0, error: 'e' }] });
  });

  it('sends JSON where that is asked for', async () => {
    const seen: Sent[] = [];
    const url = await listen(async (request, response) => {
      seen.push(await sentIn(request));
      response.end(taken(['a', 'b']));
    });
    await new Tidemark({ url }).publish([{ id: 'a' }, { id: 'b' }], { format: 'json' });
    expect(seen[0]).toMatchObject({ type: 'application/json', body: '{"events":[{"id":"a"},{"id":"b"}]}' });
  });

  it('carries the token, and follows no redirection with it', async () => {
    const seen: unknown[] = [];
    const url = await listen((request, response) => {
      seen.push([request.url, request.headers.authorization]);
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    const failure = await failureOf(new Tidemark({ url, token: 's3cret', retryForMs: 0 }).publish([{ id: 'a' }]));
    expect(failure).toMatchObject({ code: 'unreachable' });
    expect(seen).toEqual([['/ingest/events', 'Bearer s3cret']]);
  });

  it.each([
    ['not JSON', 'hello'],
    ['another object', '{}'],
    ['more events than were sent', taken(['a', 'b'])],
    ['a count that is none', taken(['a'], { count: -1 })],
    ['a rejection that is none', taken([], { rejected: [1] })],
    ['a receipt that is none', taken(['a'], { receipt: {} })],
  ])('takes no answer of another kind: %s', async (_what, body) => {
    const url = await listen((_request, response) => response.end(body));
    expect(await failureOf(new Tidemark({ url }).publish([{ id: 'a' }]))).toMatchObject({ code: 'bad-answer' });
  });

  it.each([
    ['an array', [[1]]],
    ['a text', ['x' as unknown as object]],
    ['a function', [() => undefined]],
    ['a number beyond JSON', [{ n: 1n }]],
  ])('sends nothing that is no JSON object: %s', async (_what, events) => {
    const tidemark = new Tidemark({ url: 'http://127.0.0.1:1' });
    expect(await failureOf(tidemark.publish(events))).toMatchObject({ code: 'invalid-argument' });
  });
});

describe('publishFrom', () => {
  it('reads no further ahead than it may have under way', async () => {
    const open: (() => void)[] = [];
    const url = await listen(async (request, response) => {
      const { id } = JSON.parse(await textOf(request)) as { id: string };
      open.push(() => response.end(taken([id])));
    });
    let read = 0;
    async function* source() {
      for (const event of numbered(10)) {
        read++;
        yield event;
      }
    }
    const results = new Tidemark({ url }).publishFrom(source(), { maxEvents: 1, inFlight: 3 });
    const ids: string[] = [];
    let most = 0;
    const consumed = (async () => {
      for await (const { inserted } of results) ids.push(...inserted);
    })();
    for (let answered = 0; answered < 10; ) {
      await eventually(() => expect(open.length).toBeGreaterThan(0));
      most = Math.max(most, read - answered);
      open.shift()?.();
      answered++;
    }
    await consumed;
    expect(ids).toEqual(numbered(10).map(({ id }) => id));
    expect(most).toBeLessThanOrEqual(3);
  });

  it('sends what waits, when nothing more comes for a while', async () => {
    let go: () => void = () => undefined;
    const later = new Promise<void>((resolve) => {
      go = resolve;
    });
    async function* source() {
      yield* numbered(2);
      await later;
      yield { id: 'last' };
    }
    const results = new Tidemark({ url: await takingAll() }).publishFrom(source(), { lingerMs: 1 });
    expect((await results.next()).value).toMatchObject({ first: 0, events: 2, inserted: ['e0', 'e1'] });
    go();
    expect((await results.next()).value).toMatchObject({ first: 2, events: 1, inserted: ['last'] });
    expect((await results.next()).done).toBe(true);
  });

  it('ends with the signal though the source has nothing to say, and tells it so', async () => {
    const stop = new AbortController();
    let told = false;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: async () => {
          told = true;
          return { done: true as const, value: undefined };
        },
      }),
    };
    const { signal } = stop;
    const next = new Tidemark({ url: await takingAll() }).publishFrom(source, { signal }).next();
    stop.abort();
    expect(await failureOf(next)).toBe(signal.reason);
    expect(told).toBe(true);
  });
});

describe('batches', () => {
  it('have every event once, in order, within the limits', () => {
    const limits = fc.record({ maxEvents: fc.integer({ min: 1, max: 5 }), maxChars: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(
        fc.array(fc.record({ t: fc.string({ maxLength: 30 }) })),
        limits,
        (events, { maxEvents, maxChars }) => {
          const batcher = new Batcher({ maxEvents, maxChars });
          const batches = events.flatMap((event) => batcher.add(event) ?? []);
          if (!batcher.empty) batches.push(batcher.take());
          expect(batches.flatMap(({ texts }) => texts.map((text) => JSON.parse(text)))).toEqual(events);
          let first = 0;
          for (const batch of batches) {
            expect(batch.first).toBe(first);
            first += batch.texts.length;
            expect(batch.texts.length).toBeLessThanOrEqual(maxEvents);
            const chars = batch.texts.reduce((sum, text) => sum + text.length, 0);
            expect(batch.texts.length === 1 || chars - batch.texts.at(-1)!.length < maxChars).toBe(true);
          }
        },
      ),
    );
  });

  it('are the same events in either format', () => {
    const batch = { first: 0, texts: ['{"a":1}', '{"b":"\\n"}'] };
    const json = JSON.parse(bodyOf(batch, 'json').body) as { events: unknown[] };
    const lines = bodyOf(batch, 'ndjson').body.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(json.events);
  });

  it.each([0, -1, 1.5])('take no limit of %s', (maxEvents) => {
    expect(() => new Batcher({ maxEvents })).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});
