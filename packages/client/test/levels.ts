/** A real server with a log of several packets and two bundles and more, and ways to show it otherwise. */
import { beforeAll, expect } from 'vitest';
import { AT_ONCE, eventually, pinsOf, type Running, useServer, wholeFeed } from '../../server/test/http/server.ts';
import { Tidemark, type VerifiedWatchOptions, type WatchMessage } from '../src/index.ts';
import type { Alterations, Json } from './between.ts';

const RECORDS_BEFORE = 300;
export const RECORDS = 600;
/** One event is in quarantine, as leaf 301; leaf 0 is the header. */
export const LEAVES = RECORDS + 2;
/** A hash of something else. */
export const OTHER = 'ab'.repeat(32);

export interface Levels {
  server: Running;
  /** A client of it. */
  readonly tidemark: Tidemark;
  readonly pins: { publisher: string; logKeys: string[] };
  /** Follows the stream from the beginning, verifying, until its last leaf is there. */
  follow(url: string, options?: VerifiedWatchOptions): Promise<WatchMessage[]>;
}

/** The log `levels` has 600 records of two sources and one event in quarantine, `late` one record. */
export function useLevels(): Levels {
  const server = useServer({
    sources: [
      { id: 'meter', policy: { constraints: { bounds: { n: { max: 1e6 } } } }, stream: 'levels' },
      { id: 'other', stream: 'levels' },
      { id: 'late', stream: 'late' },
    ],
    streams: [
      { id: 'levels', publish: { ...AT_ONCE, maxEvents: 100 } },
      { id: 'late', publish: AT_ONCE },
    ],
  });

  const made: Partial<Pick<Levels, 'tidemark' | 'pins'>> = {};
  beforeAll(async () => {
    const tidemark = new Tidemark({ url: server.url });
    const numbered = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, place) => ({ id: `e${from + place}`, n: from + place }));
    await tidemark.publish(numbered(0, RECORDS_BEFORE), { sourceId: 'meter', maxEvents: 50 });
    await tidemark.publish([{ id: 'bad', n: 1e7 }], { sourceId: 'meter' });
    await tidemark.publish(numbered(RECORDS_BEFORE, 400), { sourceId: 'other' });
    await tidemark.publish(numbered(400, RECORDS), { sourceId: 'meter', maxEvents: 50 });
    await eventually(async () => expect(await wholeFeed(server.url, '&stream=levels')).toHaveLength(LEAVES - 1));
    await tidemark.publish([{ id: 'x' }], { sourceId: 'late' });
    const { publisher, logKey } = pinsOf(server.dataDir, 'levels');
    Object.assign(made, { tidemark, pins: { publisher, logKeys: [logKey] } });
  });

  const follow = async (url: string, options: VerifiedWatchOptions = {}) => {
    const messages: WatchMessage[] = [];
    const watch = new Tidemark({ url, retryForMs: 1000 }).watch({
      ...{ stream: 'levels', since: 'earliest', verify: made.pins },
      ...options,
    });
    for await (const message of watch) {
      messages.push(message);
      if (message.type === 'certified' && message.leafIndex === LEAVES - 1) return messages;
    }
    return messages;
  };

  return {
    server,
    follow,
    get tidemark() {
      return made.tidemark!;
    },
    get pins() {
      return made.pins!;
    },
  };
}

/** Of the leaves that are certified. */
export const indexes = (messages: WatchMessage[]) =>
  messages.flatMap((message) => (message.type === 'certified' ? [message.leafIndex] : []));

/** Changes the certified message of one leaf. */
export function ofLeaf(index: number, change: (message: Json) => Json[]): Alterations {
  return { message: (one) => (one.type === 'certified' && one.leafIndex === index ? change(one) : [one]) };
}

export function inPath(part: string, change: (bytes: Uint8Array) => Uint8Array | string): Alterations {
  return { answer: (path, bytes) => (path.includes(part) ? change(bytes) : undefined) };
}

export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = copy[at]! ^ 1;
  return copy;
}
