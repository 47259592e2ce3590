import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SseMessage, SseParser } from '../src/sse.ts';

interface Case {
  name: string;
  stream: string;
  messages: SseMessage[];
  retry: number | null;
}

const { cases } = JSON.parse(readFileSync(new URL('vectors/event-stream.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};
const utf8 = new TextEncoder();

function parsed(...chunks: Uint8Array[]): Omit<Case, 'name' | 'stream'> {
  const parser = new SseParser();
  return { messages: chunks.flatMap((chunk) => parser.push(chunk)), retry: parser.retryMs ?? null };
}

function parse(text: string): SseMessage[] {
  return parsed(utf8.encode(text)).messages;
}

function message(data: string, id = '', event = 'message'): SseMessage {
  return { event, data, id };
}

describe.each(cases)('web-platform-tests, $name', ({ stream, messages, retry }) => {
  const bytes = utf8.encode(stream);

  it('in one piece', () => {
    expect(parsed(bytes)).toEqual({ messages, retry });
  });

  it('in two pieces, cut anywhere', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(parsed(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual({ messages, retry });
    }
  });

  it('byte by byte', () => {
    expect(parsed(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual({ messages, retry });
  });
});

describe('an event stream', () => {
  it.each([
    ['LF', 'data: a\n\ndata: b\n\n'],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n'],
    ['CR', 'data: a\r\rdata: b\r\r'],
    ['a mix of them', 'data: a\r\n\rdata: b\n\r\n'],
  ])('ends lines at %s', (_name, text) => {
    expect(parse(text)).toEqual([message('a'), message('b')]);
  });

  it('does not take CR CR LF for one line end', () => {
    expect(parse('data: a\r\r\ndata: b\n\n')).toEqual([message('a'), message('b')]);
  });

  it('joins the data lines of one event', () => {
    expect(parse('data: YHOO\ndata: +2\ndata: 10\n\n')).toEqual([message('YHOO\n+2\n10')]);
  });

  it('dispatches empty data, and what has no closing empty line never', () => {
    expect(parse('data\n\ndata\ndata\n\ndata:')).toEqual([message(''), message('\n')]);
  });

  it('takes one space after the colon away, no more', () => {
    expect(parse('data:test\n\ndata: test\n\ndata:  test\n\n')).toEqual([
      message('test'),
      message('test'),
      message(' test'),
    ]);
  });

  it('keeps the id until another comes, and an empty one clears it', () => {
    const text = ': test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n';
    expect(parse(text)).toEqual([message('first', '1'), message('second'), message(' third')]);
    expect(parse('id: 7\ndata: a\n\ndata: b\n\n')).toEqual([message('a', '7'), message('b', '7')]);
  });

  it('ignores an id that holds NUL', () => {
    expect(parse('id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n')).toEqual([message('a', '1'), message('b', '1')]);
  });

  it('takes over an id from a block without data, and not before its empty line', () => {
    const parser = new SseParser();
    expect(parser.push(utf8.encode('id: 5\n'))).toEqual([]);
    expect(parser.lastEventId).toBe('');
    expect(parser.push(utf8.encode('\n'))).toEqual([]);
    expect(parser.lastEventId).toBe('5');
  });

  it('ignores comments and unknown fields, and minds the case of names', () => {
    expect(parse(': hi\n:\nfoo: 1\nData: no\n data: no\ndata: yes\n\n')).toEqual([message('yes')]);
  });

  it('names an event for its own block only', () => {
    expect(parse('event: add\ndata: 1\n\ndata: 2\n\nevent: gone\n\ndata: 3\n\n')).toEqual([
      message('1', '', 'add'),
      message('2'),
      message('3'),
    ]);
  });

  it('drops a byte order mark at the start alone', () => {
    expect(parse('\uFEFFdata: a\n\n\uFEFFdata: b\n\n')).toEqual([message('a')]);
  });

  it('reads a reconnection time of ASCII digits only', () => {
    const parser = new SseParser();
    parser.push(utf8.encode('retry: 1500\nretry: 15x\nretry:\nretry: -1\n'));
    expect(parser.retryMs).toBe(1500);
  });

  it('dispatches at a CR without waiting for what follows', () => {
    const parser = new SseParser();
    expect(parser.push(utf8.encode('data: a\r\r'))).toEqual([message('a')]);
    expect(parser.push(utf8.encode('\ndata: b\n'))).toEqual([]);
    expect(parser.push(utf8.encode('\n'))).toEqual([message('b')]);
  });

  it('gives the same events wherever the bytes are cut', () => {
    const field = fc.constantFrom(
      'data: ü€😀',
      'data',
      'data:x',
      'id: 9',
      'id',
      'event: e',
      ': c',
      '',
      '',
      '\uFEFFdata:q',
    );
    const stream = fc.array(fc.tuple(field, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 30 });
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 20 }), (lines, cuts) => {
        const text = lines.flat().join('');
        const bytes = utf8.encode(text);
        const parser = new SseParser();
        const messages: SseMessage[] = [];
        let from = 0;
        for (const to of [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]) {
          messages.push(...parser.push(bytes.subarray(from, to)));
          from = to;
        }
        expect(messages).toEqual(parse(text));
      }),
    );
  });

  it('says how much it keeps of an event that does not end', () => {
    const parser = new SseParser();
    parser.push(utf8.encode('data: abc\ndata: de'));
    expect(parser.held).toBe(12);
    parser.push(utf8.encode('\n\n'));
    expect(parser.held).toBe(0);
  });
});
