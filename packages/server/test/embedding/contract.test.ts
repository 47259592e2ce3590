/** What both embedders owe, and the packaged model's thread besides. */
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Embedder } from '../../src/embedding/embedder.ts';
import { HttpEmbedder } from '../../src/embedding/http-embedder.ts';
import { EmbeddingClient } from '../../src/threads/embedding-client.ts';
import { endpoint, wellBehaved } from './endpoint.ts';

const NEVER = new AbortController().signal;
const packaged = new EmbeddingClient();
afterAll(() => packaged.close());

async function overHttp(): Promise<Embedder> {
  const { url } = await endpoint(wellBehaved(512));
  return new HttpEmbedder({ url, token: undefined, timeoutMs: 5000, attempts: 1, backoffMs: 1 }, 512);
}

describe.each<[string, () => Promise<Embedder>]>([
  ['the packaged model', async () => packaged],
  ['an endpoint', overHttp],
])('%s', (_name, open) => {
  it('makes a vector a text, in their order, of its dimension', async () => {
    const embedder = await open();
    const texts = ['A red car', 'The weather in Lisbon', 'A red car'];
    const vectors = await embedder.embed(texts, NEVER);
    expect(vectors.map(({ length }) => length)).toEqual([512, 512, 512]);
    expect(vectors[0]).toEqual(vectors[2]);
    expect(vectors[0]).not.toEqual(vectors[1]);
    expect(await embedder.embed([texts[1]!], NEVER)).toEqual([vectors[1]]);
  });

  it('takes any text', async () => {
    const texts = ['', ' ', '\0', '!!!', '日本語', '🙂', '\ud800', 'word '.repeat(3000), '\u00ad'];
    const vectors = await (await open()).embed(texts, NEVER);
    expect(vectors).toHaveLength(texts.length);
    for (const vector of vectors) expect(vector.every(Number.isFinite)).toBe(true);
  });

  it('takes none', async () => {
    expect(await (await open()).embed([], NEVER)).toEqual([]);
  });

  it('stops when it is not wanted any more', async () => {
    const embedder = await open();
    await expect(embedder.embed(['x'], AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    const control = new AbortController();
    const under = embedder.embed(['x', 'y', 'z'], control.signal);
    control.abort();
    await expect(under).rejects.toMatchObject({ code: 'cancelled' });
    expect(await embedder.embed(['x'], NEVER)).toHaveLength(1);
  });
});

describe("the packaged model's thread", () => {
  it('lets one text pass between those of many', async () => {
    const settled: string[] = [];
    const many = packaged
      .embed(
        Array.from({ length: 20 }, (_, n) => `number ${n}`),
        NEVER,
      )
      .then(() => settled.push('many'));
    const one = packaged.embed(['one'], NEVER).then(() => settled.push('one'));
    await Promise.all([many, one]);
    expect(settled).toEqual(['one', 'many']);
  });

  it('ends when there is nothing to do, and begins again', async () => {
    const embedder = new EmbeddingClient(20);
    const [first] = await embedder.embed(['again'], NEVER);
    expect(embedder.running).toBe(true);
    await vi.waitFor(() => expect(embedder.running).toBe(false), { timeout: 10_000 });
    expect(await embedder.embed(['again'], NEVER)).toEqual([first]);
    await embedder.close();
  });

  it('fails what is under way when it is closed', async () => {
    const embedder = new EmbeddingClient();
    const under = Promise.allSettled([embedder.embed(['x'], NEVER), embedder.embed(['y'], NEVER)]);
    await embedder.close();
    expect((await under).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(embedder.running).toBe(false);
  });
});
