import { describe, expect, it } from 'vitest';
import { type EndpointSettings, HttpEmbedder } from '../../src/embedding/http-embedder.ts';
import { endpoint, numbersOf, type Turn, wellBehaved } from './endpoint.ts';

const DIMENSIONS = 4;
const NEVER = new AbortController().signal;
const good = wellBehaved(DIMENSIONS);

function embedderAt(url: string, changes: Partial<EndpointSettings> = {}): HttpEmbedder {
  const quick = { token: undefined, timeoutMs: 5000, attempts: 3, backoffMs: 1 };
  return new HttpEmbedder({ url, ...quick, ...changes }, DIMENSIONS);
}

const status =
  (code: number, headers: Record<string, string> = {}): Turn =>
  (_request, response) =>
    void response.writeHead(code, headers).end('{"error":"no"}');
const body =
  (text: string): Turn =>
  (_request, response) =>
    void response.end(text);
const vectors = (...list: unknown[]) => body(JSON.stringify({ embeddings: list }));
const cut: Turn = (request) => void request.socket.destroy();
const cutLater: Turn = (request, response) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('{"embeddings"', () => request.socket.destroy());
};
const hang: Turn = () => {};
const endless: Turn = (_request, response) => {
  const chunk = Buffer.alloc(65_536, ' ');
  const write = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', write);
  write();
};

it('asks with the token, and gives the vectors in the order of the texts', async () => {
  const { url, asked } = await endpoint(good);
  const made = await embedderAt(url, { token: 'secret' }).embed(['one', 'two', 'three'], NEVER);
  expect(made.map((vector) => [...vector])).toEqual(['one', 'two', 'three'].map((text) => numbersOf(text, DIMENSIONS)));
  expect(asked.map(({ texts, authorization }) => [texts, authorization])).toEqual([
    [['one', 'two', 'three'], 'Bearer secret'],
  ]);
});

it('sends the beginning of a long text', async () => {
  const { url, asked } = await endpoint(good);
  await embedderAt(url).embed([`${'x'.repeat(7999)}🙂`], NEVER);
  expect(asked[0]?.texts).toEqual(['x'.repeat(7999)]);
});

describe('is tried again', () => {
  it.each<[string, Turn]>([
    ['500', status(500)],
    ['503', status(503)],
    ['429', status(429)],
    ['a connection that is closed', cut],
    ['an answer that breaks off', cutLater],
  ])('%s', async (_what, turn) => {
    const { url, asked } = await endpoint(turn, turn, good);
    expect(await embedderAt(url).embed(['one'], NEVER)).toHaveLength(1);
    expect(asked).toHaveLength(3);
  });

  it('silence', async () => {
    const { url, asked } = await endpoint(hang, good);
    expect(await embedderAt(url, { timeoutMs: 200 }).embed(['one'], NEVER)).toHaveLength(1);
    expect(asked).toHaveLength(2);
  });

  it('not before the time that the server asks for', async () => {
    const { url, asked } = await endpoint(status(429, { 'retry-after': '1' }), good);
    await embedderAt(url).embed(['one'], NEVER);
    expect(asked[1]!.at - asked[0]!.at).toBeGreaterThanOrEqual(990);
  });
});

describe('fails', () => {
  it.each<[string, string, number, Turn]>([
    ['after the last try of 500', 'endpoint-refused', 3, status(500)],
    ['after the last try of a closed connection', 'endpoint-unreachable', 3, cut],
    ['at once with 400', 'endpoint-refused', 1, status(400)],
    ['at once with 401', 'endpoint-refused', 1, status(401)],
    ['at once with 204', 'endpoint-malformed', 1, (_request, response) => void response.writeHead(204).end()],
    ['at once when sent elsewhere', 'endpoint-refused', 1, status(307, { location: 'http://127.0.0.1:1/' })],
    ['with fewer vectors than texts', 'endpoint-malformed', 1, vectors([1, 2, 3, 4])],
    ['with more vectors than texts', 'endpoint-malformed', 1, vectors([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4])],
    ['with another dimension', 'endpoint-malformed', 1, vectors([1, 2, 3, 4], [1, 2, 3])],
    ['with NaN', 'endpoint-malformed', 1, body('{"embeddings":[[1,2,3,4],[1,2,NaN,4]]}')],
    ['with null', 'endpoint-malformed', 1, vectors([1, 2, 3, 4], [1, null, 3, 4])],
    ['with text for a number', 'endpoint-malformed', 1, vectors([1, 2, 3, 4], [1, '2', 3, 4])],
    ['with what is too large for a float', 'endpoint-malformed', 1, body('{"embeddings":[[1,2,3,4],[1,2,1e99,4]]}')],
    ['with a vector that is none', 'endpoint-malformed', 1, vectors([1, 2, 3, 4], { length: 4 })],
    ['with other JSON', 'endpoint-malformed', 1, body('null')],
    ['with no JSON', 'endpoint-malformed', 1, body('<html>')],
    ['with an answer without end', 'endpoint-oversized', 1, endless],
  ])('%s', async (_what, code, tries, turn) => {
    const { url, asked } = await endpoint(turn);
    await expect(embedderAt(url).embed(['one', 'two'], NEVER)).rejects.toMatchObject({ name: 'EmbeddingError', code });
    expect(asked).toHaveLength(tries);
  });

  it('where nobody listens', async () => {
    await expect(embedderAt('http://127.0.0.1:1/').embed(['one'], NEVER)).rejects.toMatchObject({
      code: 'endpoint-unreachable',
    });
  });

  it('when it is not wanted any more: in an answer, and between tries', async () => {
    const first = new AbortController();
    const { url } = await endpoint(() => first.abort());
    const waiting = embedderAt(url).embed(['one'], first.signal);
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    const second = new AbortController();
    const busy = await endpoint((_request, response) => {
      response.writeHead(429, { 'retry-after': '20' }).end();
      setImmediate(() => second.abort());
    });
    await expect(embedderAt(busy.url).embed(['one'], second.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('without a word of the token', async () => {
    const { url } = await endpoint(status(401));
    const failing = embedderAt(url, { token: 'unmistakable' }).embed(['one'], NEVER);
    const error = await failing.catch((thrown: unknown) => thrown as Error);
    expect(String(error) + JSON.stringify(error)).not.toContain('unmistakable');
  });
});
