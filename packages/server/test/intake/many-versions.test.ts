import { afterAll, expect, test } from 'vitest';
import { Desk, lines } from '../support/arrivals.ts';
import { Directories } from '../support/directories.ts';
import { sourceOf } from '../support/node.ts';

const directories = new Directories();
afterAll(() => directories.remove());

test('an id may have 256 contents, and one more is refused with a reason', () => {
  const desk = new Desk(directories.next(), { sources: [sourceOf('one')] });
  const revision = (n: number) => ({ id: 'sensor', n });
  const contents = Array.from({ length: 256 }, (_, n) => revision(n));
  expect(desk.accept([lines('one', contents)])[0]).toMatchObject({ duplicates: 0, entry: { seq: 1 } });

  const [draft] = desk.accept([lines('one', [revision(7), revision(999), { id: 'other' }])]);
  expect(draft).toMatchObject({
    duplicates: 1,
    rejected: [{ index: 1, error: 'too-many-versions' }],
    entry: { seq: 257 },
  });
  expect(draft).toHaveProperty('eventIds.length', 2);
  desk.close();
});
