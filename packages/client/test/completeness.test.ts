import { describe, expect, it } from 'vitest';
import { Completeness, type WatchMessage } from '../src/index.ts';
import { LEAVES, RECORDS, useLevels } from './levels.ts';
import { failureOf } from './stand-in.ts';

const levels = useLevels();

describe('completeness, asserted by hand', () => {
  async function delivered() {
    const messages: WatchMessage[] = [];
    const watch = levels.tidemark.watch({
      stream: 'levels',
      type: ['certified', 'quarantined'],
      since: 'earliest',
    });
    for await (const message of watch) {
      messages.push(message);
      if (message.type === 'certified' && message.leafIndex === LEAVES - 1) break;
    }
    return messages;
  }

  it('has what the log has', async () => {
    const tracker = new Completeness();
    for (const message of await delivered()) tracker.take(message);
    expect(tracker.missing('levels', 0, LEAVES)).toEqual([{ start: 0, end: 1 }]);
    const checked = await tracker.check(levels.tidemark.log('levels', levels.pins), 0, LEAVES);
    expect(checked).toEqual({ records: RECORDS, skipped: 0 });
    expect(tracker.size).toBe(RECORDS + 1);
    tracker.forget('levels', 500);
    expect(tracker.size).toBe(LEAVES - 500);
    expect(tracker.missing('levels', 0, LEAVES)).toEqual([]);
  });

  it('says what is missing, and who owns up to it', async () => {
    const tracker = new Completeness();
    for (const message of await delivered()) {
      if (!('leafIndex' in message) || message.leafIndex < 100 || message.leafIndex > 110) tracker.take(message);
    }
    expect(tracker.missing('levels', 50, 200)).toEqual([{ start: 100, end: 111 }]);
    const log = levels.tidemark.log('levels', levels.pins);
    expect(await failureOf(tracker.check(log, 0, LEAVES))).toMatchObject({ code: 'record-missing', leafIndex: 100 });
    const gap = { id: '', type: 'gap', reason: 'slow', hint: '' } as const;
    tracker.take({ ...gap, missing: [{ stream: 'levels', start: 100, end: 111 }] });
    expect(await tracker.check(log, 0, LEAVES)).toEqual({ records: RECORDS - 11, skipped: 11 });
  });

  it('takes no word about what is forgotten', async () => {
    const tracker = new Completeness();
    tracker.forget('levels', 2);
    const [first, second] = (await delivered()).filter(({ type }) => type === 'certified');
    expect(() => tracker.take(first!)).toThrow(expect.objectContaining({ code: 'record-altered', leafIndex: 1 }));
    expect(() => tracker.take(second!)).not.toThrow();
  });

  it('does not take two words about one leaf', async () => {
    const tracker = new Completeness();
    const [message] = (await delivered()).filter(({ type }) => type === 'certified');
    tracker.take(message!);
    tracker.take(message!);
    expect(() => tracker.take({ ...message!, normalized: {} } as WatchMessage)).toThrow(
      expect.objectContaining({ code: 'record-altered' }),
    );
  });
});
