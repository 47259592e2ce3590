import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BatchCertificate } from '../../src/batches/certificate.ts';
import { type Embedded, EmbeddingQueue } from '../../src/batches/embedding.ts';
import { opened } from '../../src/batches/facts.ts';
import { SqliteBatches } from '../../src/store/sqlite/batches.ts';
import { Directories } from '../support/directories.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const CERTIFIED: BatchCertificate = { certified: true, leaves: { start: 3, end: 9 }, versionId: 'aa' };

class World {
  readonly store = new SqliteBatches(directories.next());
  readonly certificates = new Map<string, BatchCertificate>();
  readonly asked: object[] = [];
  readonly said: unknown[][] = [];
  retries: (() => void)[] = [];
  answer: (signal: AbortSignal) => Promise<Embedded> = async () => ({ embedded: 4, given: 1, refused: 0, failed: 0 });
  readonly queue = new EmbeddingQueue({
    store: this.store,
    certificates: { of: (tag: string) => this.certificates.get(tag) ?? CERTIFIED } as never,
    embed: (batch, signal) => {
      this.asked.push(batch);
      return this.answer(signal);
    },
    done: ({ tag }, status, embedded) => this.said.push([tag, status, embedded]),
    attempts: 3,
    troubled: () => undefined,
    later: (work) => {
      this.retries.push(work);
      return { cancel: () => undefined };
    },
    now: () => 1,
  });

  due(tag: string, more: object = {}): void {
    const { facts } = opened(undefined, tag, { stream: 'spool', source: 'spool', pii: false }, 1);
    this.store.put({ ...facts, embedding: 'due', ...more });
  }
}

describe('batches that are to be embedded', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  test('are embedded one after the other, and it is said', async () => {
    world.due('one');
    world.due('two');
    world.queue.wake();
    world.queue.wake();
    await vi.waitFor(() => expect(world.said).toHaveLength(2));
    expect(world.said).toEqual([
      ['one', 'success', 5],
      ['two', 'success', 5],
    ]);
    expect(world.asked).toEqual(['one', 'two'].map((tag) => ({ tag, stream: 'spool', start: 3, end: 9 })));
    expect(world.store.one('one')).toMatchObject({ embedding: 'done', embedded: 5 });
  });

  test('wait until they are certified, and unlocked', async () => {
    world.due('one', { gate: 'locked' });
    world.queue.wake();
    expect(world.asked).toEqual([]);
    world.store.put({ ...world.store.one('one')!, gate: 'unlocked' });
    world.certificates.set('one', { ...CERTIFIED, certified: false });
    world.queue.wake();
    expect(world.asked).toEqual([]);
    world.certificates.delete('one');
    world.queue.wake();
    await vi.waitFor(() => expect(world.said).toEqual([['one', 'success', 5]]));
  });

  test('one that is not certified, or has failed, holds up no other', async () => {
    world.certificates.set('one', { ...CERTIFIED, certified: false });
    world.due('one');
    world.due('two');
    world.queue.wake();
    await vi.waitFor(() => expect(world.said).toEqual([['two', 'success', 5]]));
    world.certificates.delete('one');
    world.answer = async () => {
      throw new RangeError('the model is away');
    };
    world.queue.wake();
    await vi.waitFor(() => expect(world.retries).toHaveLength(1));
    world.answer = async () => ({ embedded: 1, given: 0, refused: 0, failed: 0 });
    world.due('three');
    world.queue.wake();
    await vi.waitFor(() => expect(world.said.at(-1)).toEqual(['three', 'success', 1]));
    expect(world.store.one('one')?.embedding).toBe('due');
  });

  test('stop when they are locked, and go on when they are unlocked', async () => {
    world.answer = (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new RangeError('aborted'))));
    world.due('one');
    world.queue.wake();
    world.store.put({ ...world.store.one('one')!, gate: 'locked' });
    world.queue.wake();
    await vi.waitFor(() => expect(world.asked).toHaveLength(1));
    expect(world.retries).toEqual([]);
    world.answer = async () => ({ embedded: 4, given: 1, refused: 0, failed: 0 });
    world.store.put({ ...world.store.one('one')!, gate: 'unlocked' });
    await vi.waitFor(() => {
      world.queue.wake();
      expect(world.said).toEqual([['one', 'success', 5]]);
    });
  });

  test('of which the model makes no vector at all have failed', async () => {
    world.answer = async () => ({ embedded: 0, given: 0, refused: 0, failed: 3 });
    world.due('one');
    world.queue.wake();
    await vi.waitFor(() => expect(world.said).toEqual([['one', 'failed', 0]]));
  });

  test('one that brought nothing is embedded without any ado', async () => {
    world.certificates.set('one', { certified: true, leaves: undefined, versionId: undefined });
    world.due('one');
    world.queue.wake();
    await vi.waitFor(() => expect(world.said).toEqual([['one', 'success', 0]]));
    expect(world.asked).toEqual([]);
  });

  test('are tried again, and given up in the end, which holds up no other', async () => {
    world.answer = async () => {
      throw new RangeError('the model is away');
    };
    world.due('one');
    world.queue.wake();
    for (let tries = 1; tries < 3; tries++) {
      await vi.waitFor(() => expect(world.retries).toHaveLength(1));
      expect(world.said).toEqual([]);
      for (const retry of world.retries.splice(0)) retry();
    }
    await vi.waitFor(() => expect(world.said).toEqual([['one', 'failed', 0]]));
    expect(world.asked).toHaveLength(3);
    expect(world.store.one('one')?.embedding).toBe('failed');
    expect(world.store.happenings('one').at(-1)).toMatchObject({ detail: { reason: 'the model is away' } });
  });

  test('what is stopped is due at the next start', async () => {
    world.answer = async () => {
      throw new RangeError('stopped');
    };
    world.due('one');
    world.queue.wake();
    await world.queue.close();
    expect(world.store.one('one')?.embedding).toBe('due');
    expect(world.said).toEqual([]);
    world.queue.wake();
    expect(world.asked).toHaveLength(1);
  });
});
