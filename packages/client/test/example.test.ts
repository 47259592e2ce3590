/** `examples/follow` as it says of itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { AT_ONCE, settled, useServer } from '../../server/test/http/server.ts';
import { Tidemark } from '../src/index.ts';
import { between } from './between.ts';
import { eventually } from './stand-in.ts';

const EXAMPLE = join(import.meta.dirname, '../../../examples/follow/follow.ts');

const server = useServer({ streams: [{ id: 'default', publish: AT_ONCE }] });
let running: ChildProcess | undefined;
afterEach(() => void running?.kill('SIGKILL'));

/** Runs it until it has printed so many lines, or ends. */
async function lines(count: number, url: string, { cursor = 'cursor.txt', token = '' } = {}) {
  const env = { ...process.env, TOKEN: token };
  const child = spawn(process.execPath, [EXAMPLE, url, join(server.dataDir, cursor)], { env });
  running = child;
  const said = { out: '', error: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    said.out += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    said.error += bytes;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const printed = () => said.out.split('\n').slice(0, -1);
  const enough = eventually(() => expect(printed().length).toBeGreaterThanOrEqual(count));
  const code = await Promise.race([enough.then(() => undefined), ended]);
  if (code === undefined) child.kill('SIGINT');
  return {
    code: await ended,
    leaves: printed().map((line) => (JSON.parse(line) as { leafIndex: number }).leafIndex),
    error: said.error,
  };
}

it('prints each record once, over as many runs as one likes, and ends when the server lies', async () => {
  const tidemark = new Tidemark({ url: server.url });
  await tidemark.publish([{ id: 'a' }, { id: 'b' }]);
  expect(await lines(2, server.url)).toEqual({ code: 0, leaves: [1, 2], error: '' });
  await tidemark.publish([{ id: 'c' }]);
  expect(await lines(1, server.url)).toEqual({ code: 0, leaves: [3], error: '' });
  await tidemark.publish([{ id: 'd' }]);
  const { url } = await between(server.url, { message: (one) => [{ ...one, normalized: { id: 'e' } }] });
  const lied = await lines(1, url);
  expect(lied).toMatchObject({ code: 1, leaves: [] });
  expect(lied.error).toMatch(/^record-altered: default: leaf 4/);
});

it('shows its token, and says which leaves the server has left out', async () => {
  const tidemark = new Tidemark({ url: server.url });
  const { inserted } = await tidemark.publish([{ id: 'last' }]);
  const { leafIndex: end } = await settled(server.url, inserted[0]!);
  const gap = { type: 'gap', reason: 'expired-cursor', hint: 'h', missing: [{ stream: 'default', start: 0, end }] };
  const { url, shown } = await between(server.url, {
    message: (one) => {
      if (one.type !== 'certified' || one.leafIndex > end) return [one];
      return one.leafIndex === end ? [gap, one] : [];
    },
  });
  const { code, leaves, error } = await lines(1, url, { cursor: 'other.txt', token: 'secret' });
  expect({ code, leaves }).toEqual({ code: 0, leaves: [end] });
  expect(error).toBe(`something was left out: h; [{"stream":"default","start":0,"end":${end}}]\n`);
  expect(shown).toEqual(new Set(['Bearer secret']));
});
