import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { afterAll, describe, expect, it } from 'vitest';
import { MAX_EVENT_DEPTH, parseJson } from '../../src/json/parse.ts';
import { formatOf, type Head } from '../../src/spool/formats/format.ts';
import { Walker } from '../../src/spool/formats/msgpack-walker.ts';
import { headOf, openFile } from '../../src/spool/formats/open.ts';
import { Rejected } from '../../src/spool/record.ts';
import { Directories } from '../support/directories.ts';

const directories = new Directories();
const dir = directories.next();
afterAll(() => directories.remove());

const packr = new Packr({ useRecords: false });
const MAX_BYTES = 64 * 1024 * 1024;

interface Read {
  head: Head;
  records: unknown[];
  rejected: { at: number; error: string }[];
}

async function read(name: string, bytes: string | Uint8Array, maxBytes = MAX_BYTES): Promise<Read> {
  const path = join(dir, name);
  writeFileSync(path, bytes);
  const format = formatOf(name);
  if (format === undefined) throw new TypeError(`${name} is of no format`);
  const file = await openFile({ path, format, maxBytes });
  const result: Read = { head: file.head, records: [], rejected: [] };
  let at = 0;
  for await (const group of file.raw) {
    for (const raw of group) {
      const found = file.read(raw);
      if (found instanceof Rejected) result.rejected.push({ at, error: found.error });
      else if (found.text === undefined) result.records.push(found.value);
      else {
        expect(parseJson(found.text)).toEqual(found.value);
        result.records.push(JSON.parse(found.text));
      }
      at++;
    }
  }
  return result;
}

const COMPRESSIONS: [suffix: string, compress: (bytes: Buffer) => Buffer][] = [
  ['', (bytes) => bytes],
  ['.gz', gzipSync],
  ['.zst', zstdCompressSync],
];

const WRITERS: [name: string, write: (records: object[]) => Buffer][] = [
  ['msgpack', (records) => packr.pack({ records })],
  ['msgpack', (records) => packr.pack({ source: 's', examples: records, pii: false })],
  ['json', (records) => Buffer.from(JSON.stringify(records, undefined, 2))],
  ['json', (records) => Buffer.from(JSON.stringify({ examples: records, batch_tag: 'x' }))],
  ['ndjson', (records) => Buffer.from(records.map((record) => JSON.stringify(record)).join('\n'))],
  ['jsonl', (records) => Buffer.from(`\ufeff${records.map((record) => `${JSON.stringify(record)}\r\n`).join('\n')}`)],
];

const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => value.isWellFormed());
const json = fc
  .jsonValue({ maxDepth: 4, stringUnit: 'binary' })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const record = fc.dictionary(text, json, { maxKeys: 6 });

describe.each(COMPRESSIONS)('files with the suffix "%s"', (suffix, compress) => {
  it.each(WRITERS)('bring back the records of %s', async (name, write) => {
    const groups = fc.array(record, { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(groups, async (records) => {
        const { records: found, rejected } = await read(`file.${name}${suffix}`, compress(write(records)));
        expect(rejected).toEqual([]);
        // As JSON: in objects made by hand, `__proto__` is no member.
        expect(found.map((one) => JSON.stringify(one))).toEqual(records.map((one) => JSON.stringify(one)));
      }),
      { numRuns: 25 },
    );
  });

  it('bring back the cells of csv', async () => {
    const cell = text.filter((value) => !value.includes('\r'));
    const table = fc.array(
      fc.tuple(
        cell.map((value) => `${value}.`),
        cell,
      ),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
        const lines = rows.map((cells) => cells.map(quoted).join(','));
        const bytes = Buffer.from(['text,metadata.lang', ...lines].join('\n'));
        const { records } = await read(`file.csv${suffix}`, compress(bytes));
        expect(records).toEqual(rows.map(([first, lang]) => ({ text: first, metadata: { lang } })));
      }),
      { numRuns: 25 },
    );
  });

  it('of which the end is missing are malformed', async () => {
    const records = Array.from({ length: 2000 }, (_, n) => ({ text: `text ${n} ${Math.sin(n)}` }));
    for (const [name, write] of WRITERS.slice(0, 4)) {
      const whole = compress(write(records));
      await expect(read(`cut.${name}${suffix}`, whole.subarray(0, whole.length - 9))).rejects.toMatchObject({
        code: 'file-malformed',
      });
    }
  });
});

it.each(['gz', 'zst'])('does not read on in a bomb (%s)', async (suffix) => {
  const bomb = Buffer.alloc(8 * 1024 * 1024, ' ');
  const compressed = suffix === 'gz' ? gzipSync(bomb) : zstdCompressSync(bomb);
  expect(compressed.length).toBeLessThan(10_000);
  for (const name of ['json', 'msgpack']) {
    await expect(read(`bomb.${name}.${suffix}`, compressed, 1024 * 1024)).rejects.toMatchObject({
      code: 'file-too-large',
    });
  }
});

it('reads a file as large as the bound, and no byte more', async () => {
  const bytes = packr.pack({ records: [{ text: 'x' }] });
  expect((await read('bound.msgpack', bytes, bytes.length)).records).toHaveLength(1);
  await expect(read('bound.msgpack', bytes, bytes.length - 1)).rejects.toMatchObject({ code: 'file-too-large' });
});

const MEMBERS: [suffix: string, compress: (bytes: string) => Buffer][] = [
  ['gz', (bytes) => gzipSync(bytes)],
  ['zst', (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
];

describe.each(MEMBERS)('of two %s files in one', (suffix, compress) => {
  const name = `two.ndjson.${suffix}`;
  const first = compress('{"text":"first"}\n');
  const second = compress(`{"text":"second","more":"${Array.from({ length: 9 }, (_, n) => Math.sin(n)).join()}"}\n`);
  const textsOf = async (bytes: Buffer) => {
    const { records } = await read(name, bytes);
    return (records as { text: string }[]).map(({ text }) => text);
  };
  const malformed = { code: 'file-malformed' };

  it('both are read', async () => {
    expect(await textsOf(Buffer.concat([first, second]))).toEqual(['first', 'second']);
  });

  it('both are read, or the file is malformed, whatever byte of the second is another', async () => {
    const change = fc.tuple(fc.nat(second.length - 1), fc.integer({ min: 1, max: 255 }));
    const everyByte = Array.from(second, (byte, at): [[number, number]][] => [
      [[at, 1 << (at % 8)]],
      [[at, byte || 1]],
    ]);
    await fc.assert(
      fc.asyncProperty(change, async ([at, mask]) => {
        const changed = Buffer.from(second);
        changed[at] = (changed[at] as number) ^ mask;
        const texts = await textsOf(Buffer.concat([first, changed])).catch((error: unknown) => {
          expect(error).toMatchObject(malformed);
          return ['first', 'second'];
        });
        expect(texts).toEqual(['first', 'second']);
      }),
      { numRuns: 400, examples: everyByte.flat() },
    );
  });

  it('the second cannot be cut anywhere', async () => {
    for (let length = 1; length < second.length; length++) {
      const cut = Buffer.concat([first, second.subarray(0, length)]);
      await expect(read(name, cut), `after ${length} bytes`).rejects.toMatchObject(malformed);
    }
  });

  it('nothing else can stand between them', async () => {
    for (const between of [Buffer.alloc(1), Buffer.alloc(600_000), Buffer.from('x')]) {
      await expect(read(name, Buffer.concat([first, between, second]))).rejects.toMatchObject(malformed);
    }
  });
});

it('passes over zeros after gzip, and after it alone', async () => {
  const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(600_000)]);
  expect((await read('x.ndjson.gz', padded(gzipSync('{"text":"x"}')))).records).toEqual([{ text: 'x' }]);
  await expect(read('x.ndjson.zst', padded(zstdCompressSync('{"text":"x"}')))).rejects.toMatchObject({
    code: 'file-malformed',
  });
});

it('passes over frames of zstd that hold no data', async () => {
  const skippable = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const frame = zstdCompressSync('{"text":"x"}\n');
  const { records } = await read('x.ndjson.zst', Buffer.concat([skippable, frame, skippable, frame]));
  expect(records).toEqual([{ text: 'x' }, { text: 'x' }]);
});

it('finds the ends of zstd frames of many blocks, whatever is in them', async () => {
  for (const filler of ['', 'x'.repeat(700_000), Array.from({ length: 40_000 }, (_, n) => Math.sin(n)).join()]) {
    const frame = zstdCompressSync(`${JSON.stringify({ text: 'x', filler })}\n`);
    expect((await read('x.ndjson.zst', Buffer.concat([frame, frame]))).records).toHaveLength(2);
  }
});

it('gives up a line without end', async () => {
  const endless = gzipSync(Buffer.alloc(20 * 1024 * 1024, 'x'));
  await expect(read('endless.ndjson.gz', endless)).rejects.toMatchObject({ code: 'file-malformed' });
});

describe('MessagePack', () => {
  const bytes = (...values: number[]) => Buffer.from(values);
  const inRecords = (...value: number[]) =>
    // {"records": [{"text": value}, {"text": "x"}]}
    Buffer.concat([
      bytes(0x81, 0xa7, ...Buffer.from('records'), 0x92, 0x81, 0xa4, ...Buffer.from('text'), ...value),
      bytes(0x81, 0xa4, ...Buffer.from('text'), 0xa1, 0x78),
    ]);

  it.each([
    ['bytes', [0xc4, 0x01, 0x00], 'value-not-json'],
    ['NaN', [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], 'value-not-json'],
    ['an infinity', [0xca, 0x7f, 0x80, 0, 0], 'value-not-json'],
    ['an extension', [0xd4, 0x05, 0x00], 'value-not-json'],
    ['an extension that the decoder knows', [0xd4, 0x00, 0x00], 'value-not-json'],
    ['a name that is no text', [0x81, 0x01, 0x02], 'value-not-json'],
    ['text that is no UTF-8', [0xa1, 0xff], 'not-utf8'],
    ['too deep a nesting', [...Array.from({ length: 5000 }, () => 0x91), 0xc0], 'too-deep'],
  ])('rejects the record with %s alone', async (_what, value, error) => {
    const { records, rejected } = await read('x.msgpack', inRecords(...value));
    expect(rejected).toEqual([{ at: 0, error }]);
    expect(records).toEqual([{ text: 'x' }]);
  });

  it.each([
    ['a time of 32 bits', [0xd6, 0xff, 0x65, 0x53, 0xf1, 0x00], '2023-11-14T22:13:20.000Z'],
    ['a safe integer of 64 bits', [0xcf, 0, 0, 0, 1, 0, 0, 0, 0], 4294967296],
    ['a negative number', [0xd1, 0xff, 0x00], -256],
    ['nil', [0xc0], null],
    ['a float of 32 bits', [0xca, 0x3f, 0x00, 0x00, 0x00], 0.5],
  ])('reads %s', async (_what, value, expected) => {
    expect((await read('x.msgpack', inRecords(...value))).records).toEqual([{ text: expected }, { text: 'x' }]);
  });

  it('keeps an integer that no double holds', async () => {
    const { records } = await read('x.msgpack', inRecords(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff));
    expect(records[0]).toEqual({ text: { source: '18446744073709551615' } });
  });

  it.each([
    ['two maps', Buffer.concat([packr.pack({ records: [] }), packr.pack({ records: [] })])],
    ['no map', packr.pack([{ text: 'x' }])],
    ['no records', packr.pack({ text: 'x' })],
    ['records that are no array', packr.pack({ records: { text: 'x' } })],
    ['both names', packr.pack({ records: [], examples: [] })],
    ['a tag that is none', packr.pack({ records: [], batch_tag: '../x' })],
    ['a tag that is no text', packr.pack({ records: [], batch_tag: 7 })],
    ['nothing', Buffer.alloc(0)],
    ['an unused type', bytes(0x81, 0xa7, ...Buffer.from('records'), 0x91, 0xc1)],
    ['a length beyond the end', bytes(0x81, 0xa7, ...Buffer.from('records'), 0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0)],
    ['a name twice', bytes(0x82, 0xa1, 0x61, 0x01, 0xa1, 0x61, 0x01)],
  ])('of %s is malformed', async (_what, file) => {
    await expect(read('x.msgpack', file)).rejects.toMatchObject({ code: 'file-malformed' });
  });

  const MANY = 4 * 1024 * 1024;
  const GOOD = [0x81, 0xa4, ...Buffer.from('text'), 0xa1, 0x78];

  it('passes over arrays in each other without a stack of them', async () => {
    const nested = Buffer.concat([bytes(0x81, 0xa7, ...Buffer.from('records'), 0x92), Buffer.alloc(MANY, 0x91)]);
    const file = gzipSync(Buffer.concat([nested, bytes(0xc0, ...GOOD)]));
    const { records, rejected } = await read('x.msgpack.gz', file);
    expect(rejected).toEqual([{ at: 0, error: 'too-deep' }]);
    expect(records).toEqual([{ text: 'x' }]);
    const walker = new Walker(nest(MANY));
    expect(walker.value()).toHaveLength(MANY + 1);
    expect(walker.met.depth).toBe(MAX_EVENT_DEPTH + 1);
    await expect(read('x.msgpack.gz', gzipSync(nested))).rejects.toMatchObject({ code: 'file-malformed' });
  });

  it('has a head whatever is beside it', async () => {
    const beside = Buffer.concat([bytes(0x83, 0xa1, 0x78), Buffer.alloc(MANY, 0x91), bytes(0xc0)]);
    const rest = Buffer.concat([packr.pack('records'), packr.pack([]), packr.pack('source'), packr.pack('label')]);
    const path = join(dir, 'head.msgpack');
    writeFileSync(path, Buffer.concat([beside, rest]));
    expect(await headOf({ path, format: { kind: 'msgpack', compression: undefined }, maxBytes: MAX_BYTES })).toEqual({
      source: 'label',
      pii: false,
    });
  });

  it.each([
    ['a name that is a large array', Buffer.concat([bytes(0x81, 0xdd, 0, 1, 0, 0), Buffer.alloc(65_537)])],
    ['a source that is deep', Buffer.concat([packr.pack({ records: [], source: 1 }).subarray(0, -1), nest(60_000)])],
    ['too many members', packr.pack(Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`n${n}`, n])))],
  ])('of %s is malformed', async (_what, file) => {
    await expect(read('x.msgpack', file)).rejects.toMatchObject({ code: 'file-malformed' });
  });

  function nest(depth: number): Buffer {
    return Buffer.concat([Buffer.alloc(depth, 0x91), bytes(0xc0)]);
  }

  it.each([
    ['values', bytes(0xdd, 0, 0x1e, 0x84, 0x80), 2_000_000],
    ['bytes', bytes(0xdb, 1, 0, 0, 1), 0x1000001],
  ])('rejects the record of too many %s alone', async (_what, start, length) => {
    const value = [...start];
    const [before, after] = [inRecords(...value).subarray(0, -GOOD.length), bytes(...GOOD)];
    const { records, rejected } = await read('x.msgpack', Buffer.concat([before, Buffer.alloc(length), after]));
    expect(rejected).toEqual([{ at: 0, error: 'record-malformed' }]);
    expect(records).toEqual([{ text: 'x' }]);
  });

  it('has its head wherever it stands', async () => {
    const file = packr.pack({ records: [], source: 'label', pii: true, batch_tag: 'tag' });
    expect((await read('x.msgpack', file)).head).toEqual({ source: 'label', pii: true, batchTag: 'tag' });
  });

  it('never loops or crashes on any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (tail) => {
        const file = Buffer.concat([bytes(0x81, 0xa7, ...Buffer.from('records'), 0x91), tail]);
        const outcome = await read('x.msgpack', file).catch((error: unknown) => error);
        const isRead = typeof outcome === 'object' && outcome !== null && 'records' in outcome;
        if (!isRead) expect(outcome).toMatchObject({ code: 'file-malformed' });
      }),
      { numRuns: 300 },
    );
  });
});

describe('JSON', () => {
  it('may be one record', async () => {
    expect((await read('x.json', ' {"text":"x","pii":true} ')).records).toEqual([{ text: 'x', pii: true }]);
  });

  it('spoils one record where an element is malformed', async () => {
    const { records, rejected } = await read('x.json', '[{"text":"a"}, nonsense, 7, {"text":"b"}]');
    expect(rejected).toEqual([
      { at: 1, error: 'record-malformed' },
      { at: 2, error: 'not-a-map' },
    ]);
    expect(records).toEqual([{ text: 'a' }, { text: 'b' }]);
  });

  it.each([
    '',
    '7',
    '[1,]',
    '[1 2]',
    '[1]]',
    '{"records":[],"examples":[]}',
    '{"records":[],"batch_tag":1}',
    '{"a" 1}',
  ])('of %s is malformed', async (file) => {
    await expect(read('x.json', file)).rejects.toMatchObject({ code: 'file-malformed' });
  });
});

describe('JSON of', () => {
  const around = (value: Buffer) => Buffer.concat([Buffer.from('['), value, Buffer.from(',{"text":"x"}]')]);
  const nested = (depth: number) => Buffer.concat([Buffer.alloc(depth, '['), Buffer.alloc(depth, ']')]);
  const large = Buffer.concat([Buffer.from('{"text":"'), Buffer.alloc(16 * 1024 * 1024, 'x'), Buffer.from('"}')]);

  it.each([
    ['brackets in each other', nested(1_000_000), 'too-deep'],
    // Were it parsed, it would be malformed.
    ['brackets around what is no JSON', Buffer.from(`[x${nested(40_000).toString()}]`), 'too-deep'],
    ['more brackets than a record has bytes', nested(9_000_000), 'record-malformed'],
    ['endless text', large, 'record-malformed'],
  ])('%s rejects that record alone', async (_what, value, error) => {
    const { records, rejected } = await read('x.json', around(value));
    expect(rejected).toEqual([{ at: 0, error }]);
    expect(records).toEqual([{ text: 'x' }]);
  });

  it('a line of brackets rejects that line alone', async () => {
    const { records, rejected } = await read('x.ndjson', Buffer.concat([nested(1_000_000), Buffer.from('\n{"a":1}')]));
    expect(rejected).toEqual([{ at: 0, error: 'too-deep' }]);
    expect(records).toEqual([{ a: 1 }]);
  });

  it('brackets in text are not deep', async () => {
    const record = { text: `\\"${'[{'.repeat(50_000)}`, more: [{ text: '\\' }, '[[['] };
    expect((await read('x.json', JSON.stringify([record]))).records).toEqual([record]);
  });

  it.each([
    ['a large name', Buffer.concat([Buffer.from('{"records":[],'), nested(40_000), Buffer.from(':1}')])],
    ['a large source', Buffer.concat([Buffer.from('{"records":[],"source":'), nested(40_000), Buffer.from('}')])],
  ])('%s is malformed', async (_what, file) => {
    await expect(read('x.json', file)).rejects.toMatchObject({ code: 'file-malformed' });
  });
});

describe('CSV', () => {
  it('gives up a row of endless cells', async () => {
    const endless = gzipSync(Buffer.concat([Buffer.from('a,b\n'), Buffer.alloc(18 * 1024 * 1024, ',')]));
    await expect(read('endless.csv.gz', endless)).rejects.toMatchObject({ code: 'file-malformed' });
  });

  it('reads on after long rows and blank lines', async () => {
    const blank = Buffer.alloc(17 * 1024 * 1024, '\n');
    const { records, rejected } = await read(
      'x.csv',
      Buffer.concat([Buffer.from(`a\n${','.repeat(5000)}\n`), blank, Buffer.from('b\n')]),
    );
    expect(rejected).toEqual([{ at: 0, error: 'record-malformed' }]);
    expect(records).toEqual([{ a: 'b' }]);
  });

  it('rejects a row with other cells than names', async () => {
    const { records, rejected } = await read('x.csv', 'text,lang\na,en\nb\nc,de,x\n\nd,fr\n');
    expect(records).toEqual([
      { text: 'a', lang: 'en' },
      { text: 'd', lang: 'fr' },
    ]);
    expect(rejected).toEqual([
      { at: 1, error: 'record-malformed' },
      { at: 2, error: 'record-malformed' },
    ]);
  });

  it.each([
    ['nothing', ''],
    ['a name twice', 'a,a\n1,2\n'],
    ['no name', 'a,\n1,2\n'],
    ['metadata twice', 'metadata,metadata.x\n1,2\n'],
    ['a quote in the middle', 'text\na"b\n'],
    ['a quote without end', 'text\n"a\n'],
    ['no UTF-8', Buffer.from([0x61, 0x0a, 0xff, 0x0a])],
  ])('with %s is malformed', async (_what, file) => {
    await expect(read('x.csv', file)).rejects.toMatchObject({ code: 'file-malformed' });
  });
});

it.each([
  ['a.msgpack', { kind: 'msgpack', compression: undefined }],
  ['a.b.NDJSON.GZ', { kind: 'ndjson', compression: 'gz' }],
  ['a.jsonl.zst', { kind: 'ndjson', compression: 'zst' }],
  ['a.json', { kind: 'json', compression: undefined }],
  ['a.csv.gz', { kind: 'csv', compression: 'gz' }],
  ['json', undefined],
  ['a.json.bz2', undefined],
  ['a.gz', undefined],
])('knows the format of %s', (name, format) => {
  expect(formatOf(name)).toEqual(format);
});
