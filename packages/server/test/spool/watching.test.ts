import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Watching } from '../../src/spool/watching.ts';
import { Directories } from '../support/directories.ts';
import { QUIET } from './spools.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const NEVER_MS = 2 ** 31 - 1;

it('wakes on a change, long before its time', async () => {
  const dir = directories.next();
  const watching = new Watching(dir, new AbortController().signal, QUIET);
  const news = watching.news(NEVER_MS);
  writeFileSync(join(dir, 'a'), 'x');
  await news;
  watching.close();
});

it('wakes after its time where changes are not told of, and says so once', async () => {
  const said: string[] = [];
  const log = { ...QUIET, warn: (_members: object, message: string) => said.push(message) };
  const watching = new Watching(join(directories.next(), 'none'), new AbortController().signal, log);
  await watching.news(1);
  await watching.news(1);
  watching.close();
  expect(said).toEqual([expect.stringContaining('the folder is looked at now and then')]);
});

it('wakes when all ends', async () => {
  const stop = new AbortController();
  const watching = new Watching(directories.next(), stop.signal, QUIET);
  const news = watching.news(NEVER_MS);
  stop.abort();
  await news;
  await watching.news(NEVER_MS);
  watching.close();
});
