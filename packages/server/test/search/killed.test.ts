/** Killed anywhere, the index goes on, and is in the end what it would have been. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';
import { Directories } from '../support/directories.ts';
import { type Opened, vectorOf, World } from './world.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const COUNT = 400;
const PROCESS = join(import.meta.dirname, 'indexing-process.ts');

/** @returns the last thing that it said */
async function runUntil(dir: string, lines: number): Promise<string> {
  const child = spawn(process.execPath, [PROCESS, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = 0;
  let last = '';
  for await (const line of createInterface(child.stdout)) {
    last = line;
    if (++said === lines) child.kill('SIGKILL');
  }
  return last;
}

async function state(index: Opened): Promise<unknown> {
  const near = await index.near(vectorOf('text 7'), { k: 50 });
  return [index.store.counts({ stream: 'notes', start: 0, end: 9999 }), await index.find('text', { k: 100 }), near];
}

it('goes on after SIGKILL', { timeout: 90_000 }, async () => {
  const worlds = [new World(directories.next()), new World(directories.next())] as const;
  for (const world of worlds) {
    await world.begin(20);
    const [first] = await world.say('notes', [{ id: 'revised', text: 'old text' }]);
    for (let n = 0; n < COUNT; n += 40) {
      await world.say(
        'notes',
        Array.from({ length: 40 }, (_, at) => ({ id: `${n + at}`, text: `text ${n + at}` })),
      );
    }
    await world.say('notes', [{ id: 'revised', text: 'new text' }], first);
    world.close();
  }
  expect(await runUntil(worlds[0].dir, Number.POSITIVE_INFINITY)).toBe('done');
  const kills = [1, 4, 8, 14, 3, 5];
  const last: string[] = [];
  for (const lines of kills) last.push(await runUntil(worlds[1].dir, lines));
  expect(new Set(last)).toContain('indexed');
  expect(new Set(last)).toContain('embedded');
  expect(await runUntil(worlds[1].dir, Number.POSITIVE_INFINITY)).toBe('done');
  const [whole, killed] = worlds.map((world) => world.open());
  expect(await state(killed!)).toEqual(await state(whole!));
  whole!.close();
  killed!.close();
});
