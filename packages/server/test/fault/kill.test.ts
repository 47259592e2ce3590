import { afterAll, expect, it } from 'vitest';
import { Directories } from '../support/directories.ts';
import { survive } from './survive.ts';

const directories = new Directories();
afterAll(() => directories.remove());

it('keeps what it has acknowledged through three kills, and certifies it once', { timeout: 120_000 }, async () => {
  const options = { dataDir: directories.next(), kills: 3, seed: 7, maxLoadMs: 300, say: () => undefined };
  const { failures, acknowledged, certified } = await survive(options);
  expect(failures).toEqual([]);
  expect(acknowledged).toBeGreaterThan(0);
  expect(certified).toBeGreaterThanOrEqual(acknowledged);
});
