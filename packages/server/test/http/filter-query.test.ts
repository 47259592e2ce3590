import { expect, test } from 'vitest';
import { fieldsOf, filterOf, keyOf, splitOf } from '../../src/http/filter-query.ts';

test('what is not asked for is not there', () => {
  expect([filterOf({}), fieldsOf({}), splitOf({}), keyOf({})]).toEqual([undefined, undefined, undefined, undefined]);
});

test('what is asked for', () => {
  const query = { filter: 'temp > 30', fields: 'temp', split: '1/4', key: 'station' };
  expect(filterOf(query)?.canonical).toBe('normalized.temp > 30');
  expect(fieldsOf(query)?.canonical).toBe('normalized.temp');
  expect(splitOf(query)?.canonical).toBe('1/4 normalized.station');
  expect(splitOf({ split: '1/4' })?.canonical).toBe('1/4 eventId');
  expect(keyOf(query)?.map(({ text }) => text)).toEqual(['normalized.station']);
});

test.each([
  [
    () => filterOf({ filter: 'temp >' }),
    'filter-invalid',
    { position: 6 },
    /^at 6: expected a literal .* found the end$/,
  ],
  [() => fieldsOf({ fields: 'a,' }), 'fields-invalid', { position: 2 }, /^at 2: expected a path, found the end$/],
  [() => splitOf({ split: '4/4' }), 'bad-request', {}, /^"split": expected i\/n/],
  [() => splitOf({ split: '1/4', key: 'a b' }), 'bad-request', {}, /^"key": expected "," or the end/],
  [() => splitOf({ key: 'a' }), 'bad-request', {}, /^"key" .* goes with "split"/],
])('%s', (parse, code, extra, hint) => {
  expect(parse).toThrow(expect.objectContaining({ status: 400, code, extra, hint: expect.stringMatching(hint) }));
});
