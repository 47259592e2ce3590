import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';

const SOURCES = JSON.stringify(['one', 'two', 'three'].map((id) => ({ id, secret: 'a secret' })));
const STREAMS = JSON.stringify([
  { id: 'one', visibility: 'public' },
  { id: 'two', visibility: 'private' },
]);
const TOKEN = 'sixteen-characters';

function load(env: Record<string, string>) {
  return loadConfig({}, { INGEST_SOURCES_JSON: SOURCES, STREAMS_JSON: STREAMS, ...env });
}

function refusal(tokens: unknown): string {
  try {
    load({ READ_TOKENS_JSON: JSON.stringify(tokens) });
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.message;
    throw cause;
  }
  return 'taken';
}

test('a stream is public or private as it is declared, else as the server is reached', () => {
  const visible = (host: string) => Object.fromEntries(load({ HOST: host }).visible);
  expect(visible('127.0.0.1')).toEqual({ default: true, spool: true, one: true, two: false, three: true });
  expect(visible('0.0.0.0')).toEqual({ one: true, two: false, three: false });
});

describe('read tokens', () => {
  test('are for the streams named, or for all', () => {
    const tokens = [
      { id: 'acme', token: TOKEN, streams: ['two'] },
      { id: 'auditor', token: `${TOKEN}-2` },
    ];
    expect(load({ READ_TOKENS_JSON: JSON.stringify(tokens) }).readTokens).toEqual([
      { id: 'acme', token: TOKEN, streams: new Set(['two']) },
      { id: 'auditor', token: `${TOKEN}-2`, streams: 'all' },
    ]);
  });

  test.each([
    [
      [{ id: 'a', token: 'short' }],
      'READ_TOKENS_JSON[0].token: must be 16 to 256 characters of A-Z a-z 0-9 . _ ~ + / = -',
    ],
    [[{ id: 'a', token: TOKEN, streams: ['four'] }], 'READ_TOKENS_JSON[0].streams: there is no stream "four"'],
    [
      [{ id: 'a', token: TOKEN, streams: 'two' }],
      'READ_TOKENS_JSON[0].streams: must be a list of streams; without it, the token is for all',
    ],
    [[{ id: 'a', token: TOKEN, scope: 1 }], 'READ_TOKENS_JSON[0].scope: is unknown; known are id, token, streams'],
    [[{ token: TOKEN }], 'READ_TOKENS_JSON[0].id: must be text of 1 to 4096 characters'],
    [
      [
        { id: 'a', token: TOKEN },
        { id: 'b', token: TOKEN },
      ],
      'READ_TOKENS_JSON: two have the same "token"',
    ],
    [
      [
        { id: 'a', token: TOKEN },
        { id: 'a', token: `${TOKEN}-2` },
      ],
      'READ_TOKENS_JSON: two have the same "id"',
    ],
  ])('%j are refused', (tokens, message) => expect(refusal(tokens)).toBe(message));
});
