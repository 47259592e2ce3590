import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnsafeNumber } from '../../src/json/parse.ts';
import { canonicalRfc3339, canonicalTime, formatTime, parseRfc3339, parseTime } from '../../src/json/time.ts';

describe('RFC 3339 text', () => {
  it.each([
    ['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01t12:00:00z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01 12:00:00Z', '2026-03-01T12:00:00.000Z'],
    ['2026-03-01t12:00:00.123z', '2026-03-01T12:00:00.123Z'],
    ['2026-03-01 12:00:00.123Z', '2026-03-01T12:00:00.123Z'],
    ['2026-03-01T12:00:00.5Z', '2026-03-01T12:00:00.500Z'],
    ['2026-03-01T12:00:00.07Z', '2026-03-01T12:00:00.070Z'],
    ['2026-03-01T12:00:00.999999999Z', '2026-03-01T12:00:00.999Z'],
    ['1969-12-31T23:59:59.9999Z', '1969-12-31T23:59:59.999Z'],
    ['2026-03-01T12:00:00+01:30', '2026-03-01T10:30:00.000Z'],
    ['2026-03-01T00:00:00.25+00:01', '2026-02-28T23:59:00.250Z'],
    ['2026-12-31T23:00:00-02:00', '2027-01-01T01:00:00.000Z'],
    ['2026-03-01T12:00:00-00:00', '2026-03-01T12:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0000-12-31T23:30:00-01:00', '0001-01-01T00:30:00.000Z'],
    // Leap seconds, RFC 3339 section 5.8.
    ['1990-12-31T23:59:60Z', '1991-01-01T00:00:00.000Z'],
    ['1990-12-31T15:59:60-08:00', '1991-01-01T00:00:00.000Z'],
    ['2016-12-31T23:59:60.500Z', '2017-01-01T00:00:00.500Z'],
  ])('%s', (text, canonical) => {
    expect(canonicalRfc3339(text)).toBe(canonical);
    expect(parseRfc3339(text)).toBe(Date.parse(canonical));
  });

  it.each([
    '2026-02-30T12:00:00Z',
    '2026-02-29T12:00:00.000Z',
    '1900-02-29T12:00:00Z',
    '2026-04-31T12:00:00.000Z',
    '2026-12-32T12:00:00Z',
    '2026-13-01T12:00:00.000Z',
    '2026-00-10T12:00:00Z',
    '2026-03-00T12:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T12:60:00Z',
    '2026-03-01T12:00:61Z',
    '2026-03-01T12:00:60Z',
    '2026-03-15T23:59:60Z',
    '2026-03-01T12:00:00',
    '2026-03-01T12:00:00.Z',
    '2026-03-01T12:00:00,5Z',
    '2026-03-01T12:00:00.000z ',
    '2026-03-01T12:00Z',
    '2026-03-01',
    '20260301T120000Z',
    '2026-3-1T12:00:00.00Z',
    '2026-03-01T12:00:00+0100',
    '2026-03-01T12:00:00+01',
    '2026-03-01T12:00:00+24:00',
    '2026-03-01T12:00:00+01:60',
    '2026-03-01X12:00:00Z',
    '2026/03/01T12:00:00Z',
    '+2026-03-01T12:00:00Z',
    '-026-03-01T12:00:00Z',
    '202a-03-01T12:00:00.000Z',
    '２026-03-01T12:00:00.000Z',
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    `2026-03-01T12:00:00.${'0'.repeat(50)}Z`,
    '',
  ])('%j is none', (text) => {
    expect(parseRfc3339(text)).toBeUndefined();
    expect(canonicalTime(text)).toBeUndefined();
  });
});

describe('counts since 1970', () => {
  const noon = Date.parse('2026-03-01T12:00:00.000Z');

  it.each([
    ['seconds', 1_772_366_400, noon],
    ['milliseconds', 1_772_366_400_000, noon],
    ['microseconds', 1_772_366_400_000_000, noon],
    ['seconds with a fraction', 1_772_366_400.123, noon + 123],
    ['a fraction that falls short as a product of doubles', 1_772_366_400.001, noon + 1],
    ['microseconds cut to milliseconds', 1_772_366_400_000_999, noon],
    ['zero', 0, 0],
    ['before 1970', -1, -1000],
    ['before 1970, cut towards the past', -0.0005, -1],
    ['before 1970, whole milliseconds', -1.5, -1500],
    ['nanoseconds from a double', 1.7723664e18, noon],
    ['the last count of seconds', 99_999_999_999, 99_999_999_999_000],
    ['the first count of milliseconds', 100_000_000_000, 100_000_000_000],
    ['the last count of milliseconds', 99_999_999_999_999, 99_999_999_999_999],
    ['the first count of microseconds', 100_000_000_000_000, 100_000_000_000],
    ['the earliest', -62_135_596_800, -62_135_596_800_000],
  ])('%s', (_title, value, time) => {
    expect(parseTime(value)).toBe(time);
    if (!String(value).includes('e')) expect(parseTime(String(value))).toBe(time);
  });

  it('takes nanoseconds, which no double holds, as they were written', () => {
    expect(parseTime(new UnsafeNumber('1772366400123456789'))).toBe(noon + 123);
    expect(parseTime('1772366400123999999')).toBe(noon + 123);
    expect(parseTime(new UnsafeNumber('-1000000000000000001'))).toBe(-1_000_000_000_001);
    expect(parseTime('99999999999999999')).toBe(99_999_999_999_999);
    expect(parseTime('100000000000000000')).toBe(100_000_000_000);
  });

  it.each([
    [new UnsafeNumber('1e400')],
    [new UnsafeNumber('253402300800000000000')],
    [new UnsafeNumber('9'.repeat(100))],
    [-62_135_596_801],
    ['1e9'],
    ['0x10'],
    [' 1772366400'],
    ['1772366400.'],
    ['.5'],
    ['+1772366400'],
    ['1'.repeat(65)],
    ['now'],
    [true],
    [null],
    [[1_772_366_400]],
    [{}],
  ])('%j is none', (value) => {
    expect(parseTime(value)).toBeUndefined();
    expect(canonicalTime(value)).toBeUndefined();
  });

  it('writes negative zero as the epoch', () => {
    expect(canonicalTime(-0)).toBe('1970-01-01T00:00:00.000Z');
    expect(Object.is(parseTime('-0'), 0)).toBe(true);
  });
});

describe('properties', () => {
  const anyTime = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });

  it('formats as the platform does, and reads its own text back', () => {
    fc.assert(
      fc.property(anyTime, (time) => {
        const text = formatTime(time);
        expect(text).toBe(new Date(time).toISOString());
        expect(parseRfc3339(text)).toBe(time);
        expect(canonicalTime(text)).toBe(text);
      }),
    );
  });

  it('takes any offset to the same instant', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: -1439, max: 1439 }),
        fc.integer({ min: 0, max: 999_999 }),
        (time, offset, finer) => {
          const local = new Date(time + offset * 60_000).toISOString().slice(0, -1);
          const two = (value: number) => String(value).padStart(2, '0');
          const minutes = Math.abs(offset);
          const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
          expect(parseRfc3339(`${local}${String(finer).padStart(6, '0')}${zone}`)).toBe(time);
        },
      ),
    );
  });

  it('is exact in every unit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 100_000_000_000n, max: 253_402_300_799_999n }), (time) => {
        for (const scale of [1000n, 1_000_000n]) {
          const digits = String(time * scale + scale - 1n);
          const expected = scale === 1000n && time >= 100_000_000_000_000n ? time / 1000n : time;
          expect(parseTime(new UnsafeNumber(digits))).toBe(Number(expected));
        }
      }),
    );
  });
});
