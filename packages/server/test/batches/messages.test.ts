import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Messages } from '../../src/batches/messages.ts';
import { Waiting } from '../../src/batches/waiting.ts';
import { rowOf } from '../../src/notify/event-publish-row.ts';
import { SqliteBatches } from '../../src/store/sqlite/batches.ts';
import { Directories } from '../support/directories.ts';

const directories = new Directories();
afterAll(() => directories.remove());

const NOW = 1_772_366_400_000;

/** Messages over a store on disk; what goes out can be made to fail. */
class World {
  readonly out: string[] = [];
  readonly mirrored: string[] = [];
  readonly troubles: string[] = [];
  readonly retries: (() => void)[] = [];
  down = false;
  readonly #dir: string;
  store: SqliteBatches;
  messages: Messages;

  constructor(dir = directories.next()) {
    this.#dir = dir;
    this.store = new SqliteBatches(dir);
    this.messages = this.#open();
  }

  restart(): void {
    this.messages.close();
    this.store.close();
    this.store = new SqliteBatches(this.#dir);
    this.messages = this.#open();
  }

  /** As the publish handler does. */
  async publish(event: object, channel = 'c'): Promise<string> {
    const row = rowOf(channel, JSON.stringify(event), NOW);
    this.messages.keep(row);
    return this.messages.publish(row);
  }

  get kept(): string[] {
    return this.store.after(0, 100).map(({ message }) => message);
  }

  #open(): Messages {
    return new Messages({
      store: this.store,
      waiting: new Waiting(() => ({ cancel: () => undefined })),
      outlet: {
        publish: async (_, message) => {
          if (this.down) throw new RangeError('Redis is away');
          this.out.push(message);
        },
      },
      mirror: ({ message }) => this.mirrored.push(message),
      embeds: () => true,
      keep: 1000,
      embedding: () => undefined,
      troubled: (message) => this.troubles.push(message),
      later: (work) => this.retries.push(work),
      now: () => NOW,
    });
  }
}

const START = { event: 'embed.start', batch_tag: 'one', pii: true, ts: 1 };
const text = (event: object) => JSON.stringify(event);

describe('messages', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });

  test('are kept, and go out', async () => {
    expect(await world.publish({ event: 'gate.open', batch_tag: 'one' })).toBe('published');
    expect(await world.publish({ any: 'thing' })).toBe('published');
    expect(world.out).toEqual(world.kept);
    expect(world.out).toHaveLength(2);
    expect(world.store.one('one')?.state).toBe('open');
  });

  test('are kept where they cannot go out, and whoever sent them hears of it', async () => {
    world.down = true;
    await expect(world.publish({ event: 'gate.open', batch_tag: 'one' })).rejects.toThrow('Redis is away');
    expect(world.kept).toHaveLength(1);
  });

  test('that a locked batch be embedded is held back, once, over restarts, until it is unlocked', async () => {
    expect(await world.publish(START)).toBe('held');
    expect(await world.publish(START)).toBe('held');
    world.restart();
    expect([world.kept, world.out]).toEqual([[], []]);
    world.store.put({ ...world.store.one('one')!, gate: 'unlocked' });
    expect(world.store.released()).toEqual(['one']);
    world.messages.release('one');
    expect(world.store.released()).toEqual([]);
    await world.messages.tell();
    expect([world.kept, world.out, world.mirrored]).toEqual([[text(START)], [text(START)], [text(START)]]);
    expect(world.store.one('one')?.state).toBe('embedding');
    world.messages.release('one');
    await world.messages.tell();
    expect(world.out).toHaveLength(1);
  });

  test('that came over Redis alone lock, and are held, alike', () => {
    world.messages.hear('c', text({ event: 'gate.open', batch_tag: 'two', pii: true }));
    expect(world.store.one('two')).toMatchObject({ gate: 'locked', pii: true });
    world.messages.hear('c', text({ event: 'embed.start', batch_tag: 'two' }));
    expect(world.store.one('two')?.state).toBe('open');
    expect(world.store.release('two')).toHaveLength(1);
  });

  test('that others have published are kept for those who were away, each once', async () => {
    const done = { event: 'gate.done', batch_tag: 'two', status: 'success' };
    world.messages.hear('c', text(done));
    world.messages.hear('c', text(done));
    expect(world.kept).toEqual([text(done)]);
    // What comes back over Redis was kept when it was published, or was not to be.
    await world.publish({ event: 'gate.open', batch_tag: 'two' });
    const unkept = rowOf('c', text({ event: 'gate.open', batch_tag: 'three' }), NOW);
    expect(await world.messages.publish(unkept)).toBe('published');
    for (const message of world.out) world.messages.hear('c', message);
    expect(world.kept).toHaveLength(2);
  });

  test('of the server itself go out in their order, as soon as that can be', async () => {
    world.down = true;
    world.messages.say('c', { event: 'embed.done', batch_tag: 'one', n: 1 });
    world.messages.say('c', { event: 'embed.done', batch_tag: 'two', n: 2 });
    await world.messages.tell();
    expect(world.out).toEqual([]);
    expect(world.retries.length).toBeGreaterThan(0);
    expect(world.troubles[0]).toContain('Redis is away');
    world.restart();
    world.down = false;
    await world.messages.tell();
    expect(world.out).toEqual(world.kept);
    expect(world.out).toHaveLength(2);
    await world.messages.tell();
    expect(world.out).toHaveLength(2);
  });

  test('are there for those who come later, and waited for by those who have all', async () => {
    await world.publish({ n: 1 });
    await world.publish({ n: 2 });
    const [first] = await world.messages.after(0, 1, 0);
    expect(first).toMatchObject({ seq: 1, message: '{"n":1}', receivedAt: NOW });
    expect(await world.messages.after(2, 10, 0)).toEqual([]);
    const next = world.messages.after(2, 10, 60_000);
    await world.publish({ n: 3 });
    expect(await next).toMatchObject([{ seq: 3, message: '{"n":3}' }]);
  });
});

test('of one batch, so much is kept of what happened and no more', () => {
  const store = new SqliteBatches(directories.next());
  for (let at = 0; at < 1010; at++) store.note('one', { at, what: 'x', detail: {} });
  store.note('two', { at: 1, what: 'y', detail: { z: 1 } });
  expect(store.happenings('one')).toHaveLength(1000);
  expect(store.happenings('two')).toEqual([{ at: 1, what: 'y', detail: { z: 1 } }]);
  store.close();
});
