import { describe, expect, it } from 'vitest';
import { AlteredLog } from '../../server/test/audit/altered-log.ts';
import { pinsOf } from '../../server/test/http/server.ts';
import { type LogError, Tidemark } from '../src/index.ts';
import { LEAVES, OTHER, useLevels } from './levels.ts';
import { failureOf } from './stand-in.ts';

const levels = useLevels();

describe('a log', () => {
  it('gives its leaves, across bundles', async () => {
    const log = levels.tidemark.log('levels', levels.pins);
    const leaves = [];
    for await (const placedLeaf of log.leaves(250, 520)) leaves.push(placedLeaf);
    expect(leaves.map(({ index }) => index)).toEqual(Array.from({ length: 270 }, (_, n) => 250 + n));
    expect(leaves[51]?.leaf.kind).toBe('quarantined');
    expect(log.head).toMatchObject({ size: LEAVES });
  });

  it.each([
    ['another log key', { logKeys: [`${'x'}/levels+00000000+AA==`] }, 'invalid-argument'],
    ['another publisher', { publisher: `02${'ab'.repeat(32)}` }, 'signature-invalid'],
    ['a publisher that is none', { publisher: 'me' }, 'invalid-argument'],
  ])('is not read under %s', async (_what, wrong, code) => {
    expect(await failureOf((async () => levels.tidemark.log('levels', wrong).refresh())())).toMatchObject({ code });
  });

  it('is not read under the key of another stream', async () => {
    const { logKey } = pinsOf(levels.server.dataDir, 'late');
    const failure = await failureOf(levels.tidemark.log('levels', { logKeys: [logKey] }).refresh());
    expect(failure).toMatchObject({ code: 'signature-invalid', message: expect.stringContaining('no pinned key') });
  });

  it('has no leaves beyond its end, and none of a range that is none', async () => {
    const log = levels.tidemark.log('levels', levels.pins);
    expect(await failureOf(log.leaves(600, 700).next())).toMatchObject({
      code: 'not-certified-yet',
      leafIndex: LEAVES,
    });
    expect(await failureOf(log.leaves(5, 4).next())).toMatchObject({ code: 'invalid-argument' });
    expect((await log.leaves(5, 5).next()).done).toBe(true);
  });

  it('is not there', async () => {
    expect(await failureOf(levels.tidemark.log('nothing').refresh())).toMatchObject({ code: 'refused', status: 404 });
  });
});

describe('an operator who shows two histories', () => {
  /** A copy of the log under its own keys, and a reader who has seen it as it was. */
  async function seen() {
    const copy = await AlteredLog.of(levels.server.url, 'levels', levels.server.dataDir);
    await copy.listen();
    const log = new Tidemark({ url: copy.url, retryForMs: 0 }).log('levels', levels.pins);
    await log.refresh();
    return { copy, log };
  }

  const anotherPayload = (copy: AlteredLog) => {
    copy.leaves[40] = { ...copy.leaves[40], payloadHash: OTHER };
  };

  it.each([
    ['forked', 'a leaf is another', anotherPayload],
    [
      'rewritten',
      'a leaf is another, and there is one more',
      (copy: AlteredLog) => {
        anotherPayload(copy);
        copy.leaves.push(copy.leaves[41]);
      },
    ],
    [
      'rewritten',
      'leaves are gone',
      (copy: AlteredLog) => {
        copy.leaves.length = 300;
      },
    ],
  ])('is found out: %s, %s', async (code, _what, alter) => {
    const { copy, log } = await seen();
    const before = log.head;
    alter(copy);
    const failure = (await failureOf(log.refresh())) as LogError;
    expect(failure).toMatchObject({ code });
    expect(failure.evidence).toEqual([before?.checkpoint, copy.checkpoint]);
    expect(log.head).toEqual(before);
    copy.close();
  });

  it('is not one whose log has only grown, or who shows an older checkpoint of it', async () => {
    const { copy, log } = await seen();
    const manifest = await (await fetch(new URL(`log/levels/manifest?size=${LEAVES}`, copy.url))).text();
    const { checkpoint } = copy;
    copy.leaves.push(copy.leaves[41]);
    expect(await log.refresh()).toMatchObject({ size: LEAVES + 1 });
    copy.instead.set('checkpoint', checkpoint);
    copy.instead.set(`manifest?size=${LEAVES}`, manifest);
    expect(await log.refresh()).toMatchObject({ size: LEAVES + 1 });
    copy.close();
  });

  it('may take another key, if the log says so under the one before', async () => {
    const { copy, log } = await seen();
    const { text, ...next } = copy.newKey(9);
    const rotation = copy.control('key-rotated', { config: OTHER, changed: ['logKey'], logKey: text });
    copy.key = next;
    expect(await failureOf(log.refresh())).toMatchObject({ code: 'signature-invalid' });
    copy.leaves.push({
      ...rotation,
      signature: rotation.signature.replace(/^./, (c: string) => (c === 'A' ? 'B' : 'A')),
    });
    expect(await failureOf(log.refresh())).toMatchObject({ code: 'signature-invalid' });
    copy.leaves[LEAVES] = rotation;
    expect(await log.refresh()).toMatchObject({ size: LEAVES + 1 });
    copy.close();
  });
});
