import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonObject, parseJson } from '../../src/json/parse.ts';
import { buildTree, compilePath, formatPath, PathError, parsePath } from '../../src/json/path.ts';

const event = parseJson(`{
  "a": {"b": {"c": 1}, "": 2, "list": [10, {"x": 20}, null]},
  "a.b": {"c.d": 3},
  "back\\\\slash": 4,
  "0": {"1": 5},
  "text": "abc",
  "none": null,
  "big": 12345678901234567890
}`) as JsonObject;

describe('compilePath', () => {
  it.each([
    ['a.b.c', 1],
    ['a.list.0', 10],
    ['a.list.1.x', 20],
    ['a.list.2', null],
    ['a\\.b.c\\.d', 3],
    ['back\\\\slash', 4],
    ['0.1', 5],
    ['none', null],
  ])('%s is found', (path, value) => {
    expect(compilePath(path)(event)).toBe(value);
  });

  it.each([
    'missing',
    'a.missing.c',
    'none.x',
    'a.list.3',
    'a.list.-1',
    'a.list.01',
    'a.list.1e0',
    'a.list.length',
    'text.0',
    'text.length',
    'big.source',
    'constructor',
    'toString',
    '__proto__',
    'a.__proto__',
    'a.constructor.name',
    'a.list.map',
    'hasOwnProperty.call',
  ])('%s is not there', (path) => {
    expect(compilePath(path)(event)).toBeUndefined();
  });

  it('finds own members by inherited names', () => {
    const own = parseJson('{"__proto__":{"constructor":7},"toString":8}') as JsonObject;
    expect(compilePath('__proto__.constructor')(own)).toBe(7);
    expect(compilePath('toString')(own)).toBe(8);
  });
});

describe('parsePath', () => {
  it.each([
    ['', 'path-empty'],
    ['.', 'path-empty'],
    ['a..b', 'path-empty'],
    ['.a', 'path-empty'],
    ['a.', 'path-empty'],
    ['a\\b', 'path-bad-escape'],
    ['a\\', 'path-bad-escape'],
    ['a'.repeat(513), 'path-too-long'],
    [Array(33).fill('a').join('.'), 'path-too-long'],
  ])('refuses %j as %s', (path, code) => {
    expect(() => parsePath(path)).toThrow(expect.objectContaining({ name: 'PathError', code }));
  });

  it('takes paths up to the limits', () => {
    expect(parsePath('a'.repeat(512))).toHaveLength(1);
    expect(parsePath(Array(32).fill('a').join('.'))).toHaveLength(32);
  });

  it('reads back what formatPath writes', () => {
    const segment = fc.string({ unit: fc.constantFrom(...'ab.\\0é'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 8 }), (segments) => {
        expect(parsePath(formatPath(segments))).toEqual(segments);
      }),
    );
  });
});

describe('buildTree', () => {
  it('orders members by UTF-16 code units and keeps the slots', () => {
    const tree = buildTree([['b'], ['a', 'z'], ['\ufb33'], ['😀'], ['a', 'B']]);
    expect(tree.members).toEqual([
      {
        key: 'a',
        to: {
          members: [
            { key: 'B', to: 4 },
            { key: 'z', to: 1 },
          ],
        },
      },
      { key: 'b', to: 0 },
      { key: '😀', to: 3 },
      { key: '\ufb33', to: 2 },
    ]);
  });

  it.each([
    [['a'], ['a', 'b']],
    [['a', 'b'], ['a']],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [['__proto__'], ['__proto__', 'x']],
  ])('refuses %j beside %j', (first, second) => {
    expect(() => buildTree([first, second])).toThrow(PathError);
    expect(() => buildTree([first, second])).toThrow(expect.objectContaining({ code: 'path-conflict' }));
  });
});
