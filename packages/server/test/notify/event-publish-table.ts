/**
 * What `/event-publish` answers, keeps and publishes: the same wherever it runs. A subject is one place where it does,
 * set up as a profile says; it sees what was kept and published.
 */
import type { EventPublishSettings } from '../../src/notify/event-publish.ts';
import type { PublishRow } from '../../src/notify/event-publish-row.ts';

/** How the route is set up, and what of it is out of order. */
export interface Profile {
  settings: EventPublishSettings;
  /** Rows are kept; false: there is nowhere to keep them. */
  keeps: boolean;
  fails?: 'persist' | 'publish' | 'mirror';
  /** What it publishes is held back. */
  holds?: boolean;
  /** A token that is let in beside those in the settings. */
  admits?: string;
}

export interface Row {
  name: string;
  profile: ProfileName;
  /** Default: a POST with the token. */
  request?: { method?: string; authorization?: string | null; headers?: Record<string, string>; body?: Body };
  status: number;
  body: object;
  kept: readonly PublishRow[];
  published: readonly (readonly [channel: string, message: string])[];
}

type Body = string | Uint8Array<ArrayBuffer> | object;

/** What a row's time is where its message has none. */
export const RECEIVED_TS = 1_789_000_000;
export const TOKEN = 'token-of-the-edge';
export const SECOND_TOKEN = 'token-to-come';
export const ADMIN_TOKEN = 'token-of-the-admin';

const settings: EventPublishSettings = {
  tokens: [TOKEN],
  allowedChannels: ['ingest_updates', 'embed_updates'],
  maxMessageBytes: 32_768,
  schema: 'off',
};
const usual: Profile = { settings, keeps: true };

export const PROFILES = {
  usual,
  'several tokens': { ...usual, settings: { ...settings, tokens: [TOKEN, SECOND_TOKEN] } },
  'no token': { ...usual, settings: { ...settings, tokens: [] } },
  'empty token': { ...usual, settings: { ...settings, tokens: [''] } },
  'no token but the admin’s': { ...usual, settings: { ...settings, tokens: [] }, admits: ADMIN_TOKEN },
  'the admin’s token too': { ...usual, admits: ADMIN_TOKEN },
  'own channels': { ...usual, settings: { ...settings, allowedChannels: ['own'] } },
  'short messages': { ...usual, settings: { ...settings, maxMessageBytes: 1024 } },
  'nothing kept': { ...usual, keeps: false },
  warn: { ...usual, settings: { ...settings, schema: 'warn' } },
  enforce: { ...usual, settings: { ...settings, schema: 'enforce' } },
  'rows cannot be kept': { ...usual, fails: 'persist' },
  'nothing can be published': { ...usual, fails: 'publish' },
  'the mirror fails': { ...usual, fails: 'mirror' },
  held: { ...usual, holds: true },
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

const OPEN = {
  event: 'gate.open',
  batch_tag: 't',
  spool: '/data',
  bytes: 12_345,
  count: 2,
  pii: false,
  ts: 1_700_000_000,
};
const DONE = { event: 'gate.done', batch_tag: 't', status: 'success', processed: 240, pii: true, ts: 1_700_000_012 };
const START = { event: 'embed.start', batch_tag: 't', pii: false, ts: 1_700_000_013 };
const EMBEDDED = { event: 'embed.done', batch_tag: 't', status: 'failed', embedded: 3, pii: false, ts: 1_700_000_040 };

const UNAUTHORIZED = { status: 401, body: { error: 'Unauthorized' } };
const NO_TOKEN = { status: 503, body: { error: 'No token configured' } };
const INVALID_JSON = { status: 400, body: { error: 'Invalid JSON' } };
const INCOMPLETE = { status: 400, body: { error: 'Missing channel or message' } };
const UNSUPPORTED = { status: 400, body: { error: 'Unsupported action' } };
const FORBIDDEN = { status: 403, body: { error: 'Channel not allowed' } };
const TOO_LARGE = { status: 413, body: { error: 'Message too large' } };
const NOT_A_POST = { status: 405, body: { error: 'Method not allowed' } };
const FAILED = { status: 502, body: { error: 'publish failed' } };

/** A row whose message says nothing. */
function emptyRow(message: string, channel: string): PublishRow {
  const nothing = { event: null, batch_tag: null, status: null, processed: null, bytes: null, count: null };
  return { channel, message, ts: RECEIVED_TS, ...nothing, pii: null };
}

function asked(message: string, channel = 'ingest_updates', more: object = {}): object {
  return { action: 'publish', channel, message, ...more };
}

/** What is published as it was sent, with its row. */
function taken(name: string, message: string | object, row: Partial<PublishRow>, profile: ProfileName = 'usual'): Row {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const channel = text.includes('"embed.') ? 'embed_updates' : 'ingest_updates';
  return {
    ...{ name, profile, request: { body: asked(text, channel) }, status: 200 },
    body: { status: 'published', channel, persisted: true },
    kept: [{ ...emptyRow(text, channel), ...row }],
    published: [[channel, text]],
  };
}

type Answer = Pick<Row, 'status' | 'body'>;

/** What is neither kept nor published. */
function refused(name: string, answer: Answer, request: Row['request'], profile: ProfileName = 'usual'): Row {
  return { name, profile, ...(request === undefined ? {} : { request }), ...answer, kept: [], published: [] };
}

const sound = { body: asked(JSON.stringify(START), 'embed_updates') };
const openRow = { event: 'gate.open', batch_tag: 't', bytes: 12_345, count: 2, pii: false, ts: 1_700_000_000 };
const startRow = { event: 'embed.start', batch_tag: 't', pii: false, ts: 1_700_000_013 };
const withToken = (token: string) => ({ ...sound, authorization: `Bearer ${token}` });

/** Of one character, and of that many bytes in UTF-8. */
const wide = (bytes: number) => '€'.repeat(Math.floor(bytes / 3)) + 'x'.repeat(bytes % 3);

const events: Row[] = [
  taken('gate.open', OPEN, openRow),
  taken('gate.done', DONE, {
    event: 'gate.done',
    batch_tag: 't',
    status: 'success',
    processed: 240,
    pii: true,
    ts: DONE.ts,
  }),
  taken(
    'gate.done failed',
    { ...DONE, status: 'failed', processed: 0 },
    {
      ...{ event: 'gate.done', batch_tag: 't', status: 'failed', processed: 0, pii: true, ts: DONE.ts },
    },
  ),
  taken('embed.start', START, startRow),
  taken('embed.done', EMBEDDED, { event: 'embed.done', batch_tag: 't', status: 'failed', pii: false, ts: EMBEDDED.ts }),
  taken('members that are not known', { ...START, more: { deep: [1] } }, startRow),
  taken(
    'no pii',
    { event: 'embed.start', batch_tag: 't', ts: 1 },
    { event: 'embed.start', batch_tag: 't', pii: false, ts: 1 },
  ),
  taken('a pii that is no flag', { ...START, pii: 'yes' }, { ...startRow, pii: null }),
  taken(
    'members of other types',
    { event: 1, batch_tag: [], status: {}, processed: '3', bytes: 1.5, count: null, ts: 5 },
    {
      ...{ pii: false, ts: 5 },
    },
  ),
  taken('text that no database takes', { event: 'a\0b', batch_tag: '\ud800', ts: 5 }, { pii: false, ts: 5 }),
  taken(
    'an event of somebody else',
    { event: 'own.event', batch_tag: 'b' },
    {
      ...{ event: 'own.event', batch_tag: 'b', pii: false },
    },
  ),
];

const times: Row[] = [
  taken('no ts', { event: 'e' }, { event: 'e', pii: false }),
  taken('ts with a fraction', { ts: 1_577_836_800.25 }, { ts: 1_577_836_800.25, pii: false }),
  taken('ts of 1970', { ts: 0 }, { ts: 0, pii: false }),
  taken('ts as digits', { ts: '1577836800' }, { ts: 1_577_836_800, pii: false }),
  taken('ts in ISO 8601', { ts: '2020-01-01T00:00:00Z' }, { ts: 1_577_836_800, pii: false }),
  taken(
    'ts with milliseconds and a zone',
    { ts: '2020-01-01T02:00:00.500+02:00' },
    { ts: 1_577_836_800.5, pii: false },
  ),
  taken('ts as PostgreSQL writes it', { ts: '2020-01-01 00:00:00+00' }, { ts: 1_577_836_800, pii: false }),
  taken('ts without a zone', { ts: '2020-01-01T00:00:00' }, { ts: 1_577_836_800, pii: false }),
  taken('ts of a day', { ts: '2020-01-01' }, { ts: 1_577_836_800, pii: false }),
  taken('ts in milliseconds', { ts: 1_577_836_800_000 }, { pii: false }),
  taken('ts before 1970', { ts: -1 }, { pii: false }),
  taken('ts that is no time', { ts: 'yesterday' }, { pii: false }),
  taken('ts of a month that is none', { ts: '2020-13-01T00:00:00Z' }, { pii: false }),
  taken('ts that is null', { ts: null }, { pii: false }),
];

const texts: Row[] = [
  taken('a message that is no JSON', 'plain text', {}),
  taken('a message that is a JSON list', '[1,2]', {}),
  taken('a message that is JSON null', 'null', {}),
  taken('a message of one blank', ' ', {}),
  taken('a message in another script', '{"event":"ÜberΩ","batch_tag":"日本🌊"}', {
    ...{ event: 'ÜberΩ', batch_tag: '日本🌊', pii: false },
  }),
  taken('a message with line breaks', '{\n  "event": "e"\r\n}\n', { event: 'e', pii: false }),
  taken('a message with the member __proto__', '{"__proto__":{"event":"x"},"batch_tag":"b"}', {
    batch_tag: 'b',
    pii: false,
  }),
];

const keeping: Row[] = [
  ...[true, 'false', 0, null].map((persist): Row => {
    const row = taken(`persist ${JSON.stringify(persist)}`, START, startRow);
    return { ...row, request: { body: asked(JSON.stringify(START), 'embed_updates', { persist }) } };
  }),
  {
    ...taken('persist false', START, startRow),
    request: { body: asked(JSON.stringify(START), 'embed_updates', { persist: false }) },
    body: { status: 'published', channel: 'embed_updates', persisted: false },
    kept: [],
  },
  {
    ...taken('nowhere to keep it', START, startRow, 'nothing kept'),
    body: { status: 'published', channel: 'embed_updates', persisted: false },
    kept: [],
  },
  {
    ...taken('members of the request that are not known', OPEN, openRow),
    request: {
      body: asked(JSON.stringify(OPEN), 'ingest_updates', { extra: 1, unlock: true }),
    },
  },
];

const access: Row[] = [
  refused('no token', UNAUTHORIZED, { ...sound, authorization: null }),
  refused('another token', UNAUTHORIZED, withToken('token-of-the-edgf')),
  refused('the beginning of the token', UNAUTHORIZED, withToken(TOKEN.slice(0, -1))),
  refused('more than the token', UNAUTHORIZED, withToken(`${TOKEN}x`)),
  refused('the token in capitals', UNAUTHORIZED, withToken(TOKEN.toUpperCase())),
  refused('the token by another scheme', UNAUTHORIZED, { ...sound, authorization: `Basic ${TOKEN}` }),
  refused('the token without a scheme', UNAUTHORIZED, { ...sound, authorization: TOKEN }),
  refused('a scheme without a token', UNAUTHORIZED, { ...sound, authorization: 'Bearer' }),
  refused('a stranger whose body is no JSON', UNAUTHORIZED, { body: '{', authorization: null }),
  refused('a token that will be live', UNAUTHORIZED, withToken(SECOND_TOKEN)),
  refused('the admin’s where it is not let in', UNAUTHORIZED, withToken(ADMIN_TOKEN)),
  { ...taken('the scheme in small letters', START, startRow), request: { ...sound, authorization: `bearer ${TOKEN}` } },
  { ...taken('the first of several tokens', START, startRow, 'several tokens'), request: withToken(TOKEN) },
  { ...taken('the second of several tokens', START, startRow, 'several tokens'), request: withToken(SECOND_TOKEN) },
  refused('several tokens at once', UNAUTHORIZED, withToken(`${TOKEN},${SECOND_TOKEN}`), 'several tokens'),
  refused('any token where none is configured', NO_TOKEN, withToken(TOKEN), 'no token'),
  refused('no token where none is configured', NO_TOKEN, { ...sound, authorization: null }, 'no token'),
  refused('an empty token where an empty one is', NO_TOKEN, { ...sound, authorization: 'Bearer ' }, 'empty token'),
  { ...taken('the admin’s token', START, startRow, 'the admin’s token too'), request: withToken(ADMIN_TOKEN) },
  { ...taken('the edge’s beside the admin’s', START, startRow, 'the admin’s token too'), request: withToken(TOKEN) },
  { ...taken('the admin’s alone', START, startRow, 'no token but the admin’s'), request: withToken(ADMIN_TOKEN) },
  refused('the edge’s where only the admin’s is', NO_TOKEN, withToken(TOKEN), 'no token but the admin’s'),
];

const requests: Row[] = [
  ...['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) => refused(method, NOT_A_POST, { method })),
  refused('GET without a token', NOT_A_POST, { method: 'GET', authorization: null }),
  refused('GET where no token is configured', NOT_A_POST, { method: 'GET' }, 'no token'),
  refused('no body', INVALID_JSON, {}),
  refused('a body that is no JSON', INVALID_JSON, { body: '{"action":"publish"' }),
  refused('a body that is no UTF-8', INVALID_JSON, { body: new Uint8Array([0x22, 0xff, 0x22]) }),
  refused('a body of null', INCOMPLETE, { body: 'null' }),
  refused('a list', INCOMPLETE, { body: [asked('m')] }),
  refused('a text', INCOMPLETE, { body: '"publish"' }),
  refused('an empty object', INCOMPLETE, { body: {} }),
  refused('no channel', INCOMPLETE, { body: { action: 'publish', message: 'm' } }),
  refused('an empty channel', INCOMPLETE, { body: asked('m', '') }),
  refused('a channel that is no text', INCOMPLETE, {
    body: { action: 'publish', channel: ['ingest_updates'], message: 'm' },
  }),
  refused('no message', INCOMPLETE, { body: { action: 'publish', channel: 'ingest_updates' } }),
  refused('an empty message', INCOMPLETE, { body: asked('') }),
  refused('a message that is an object', INCOMPLETE, {
    body: { action: 'publish', channel: 'ingest_updates', message: OPEN },
  }),
  refused('neither an action nor a message', INCOMPLETE, { body: { action: 'unlock', batch_tag: 't' } }),
  refused('no action', UNSUPPORTED, { body: { channel: 'ingest_updates', message: 'm' } }),
  refused('another action', UNSUPPORTED, { body: { ...asked('m'), action: 'unlock' } }),
  refused('an action in capitals', UNSUPPORTED, { body: { ...asked('m'), action: 'PUBLISH' } }),
  refused('another action on another channel', UNSUPPORTED, { body: { ...asked('m', 'x'), action: 'subscribe' } }),
  refused('another channel', FORBIDDEN, { body: asked('m', 'other') }),
  refused('a channel in capitals', FORBIDDEN, { body: asked('m', 'INGEST_UPDATES') }),
  refused('a channel with a blank', FORBIDDEN, { body: asked('m', 'ingest_updates ') }),
  refused('a channel of the prototype', FORBIDDEN, { body: asked('m', '__proto__') }),
  refused('a usual channel where others are allowed', FORBIDDEN, { body: asked('m') }, 'own channels'),
  {
    ...taken('a channel of one’s own', 'm', {}, 'own channels'),
    request: { body: asked('m', 'own') },
    body: { status: 'published', channel: 'own', persisted: true },
    kept: [emptyRow('m', 'own')],
    published: [['own', 'm']],
  },
];

const sizes: Row[] = [
  taken('as long as may be', wide(1024), {}, 'short messages'),
  refused('longer by a byte', TOO_LARGE, { body: asked(wide(1025)) }, 'short messages'),
  refused('too long, on another channel', FORBIDDEN, { body: asked(wide(1025), 'other') }, 'short messages'),
  taken('as long as may be, all of it escaped', '\u0001'.repeat(1024), {}, 'short messages'),
  refused('a body beyond any message', TOO_LARGE, { body: asked('x'.repeat(20_000), 'other') }, 'short messages'),
  taken('32768 bytes', 'x'.repeat(32_768), {}),
  taken('32768 bytes, all of them escaped', '\u0001'.repeat(32_768), {}),
  refused('32769 bytes', TOO_LARGE, { body: asked('x'.repeat(32_769)) }),
];

const unfinished = { event: 'gate.done', batch_tag: 't', status: 'done' };
const issues = 'Invalid event: status is neither "success" nor "failed"; processed is missing';

const schemas: Row[] = [
  taken('a lifecycle event that is none', unfinished, { ...unfinished, pii: false }),
  taken('one, with a warning', unfinished, { ...unfinished, pii: false }, 'warn'),
  refused(
    'one, where schemas are enforced',
    { status: 400, body: { error: issues } },
    {
      body: asked(JSON.stringify(unfinished)),
    },
    'enforce',
  ),
  taken('a sound one, where schemas are enforced', OPEN, openRow, 'enforce'),
  taken('somebody else’s event, where schemas are enforced', { event: 'own' }, { event: 'own', pii: false }, 'enforce'),
  taken('plain text, where schemas are enforced', 'plain', {}, 'enforce'),
  refused(
    'a ts in ISO 8601, where schemas are enforced',
    { status: 400, body: { error: 'Invalid event: ts is no Unix seconds' } },
    {
      body: asked(JSON.stringify({ ...START, ts: '2020-01-01T00:00:00Z' }), 'embed_updates'),
    },
    'enforce',
  ),
];

const faults: Row[] = [
  refused('a row that cannot be kept', FAILED, sound, 'rows cannot be kept'),
  {
    ...taken('a row that need not be kept', START, startRow, 'rows cannot be kept'),
    request: { body: asked(JSON.stringify(START), 'embed_updates', { persist: false }) },
    body: { status: 'published', channel: 'embed_updates', persisted: false },
    kept: [],
  },
  { ...taken('kept, and not published', START, startRow, 'nothing can be published'), ...FAILED, published: [] },
  taken('a mirror that fails', START, startRow, 'the mirror fails'),
  {
    ...taken('held', START, startRow, 'held'),
    ...{ status: 202, body: { status: 'held', channel: 'embed_updates', persisted: true }, published: [] },
  },
];

export const ROWS: readonly Row[] = [
  ...events,
  ...times,
  ...texts,
  ...keeping,
  ...access,
  ...requests,
  ...sizes,
  ...schemas,
  ...faults,
];
