/** The templates that ship, rendered by Go and by us: the same bytes, and messages that say what they were given. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonData } from '../../src/go-template/values.ts';
import { renderRequest } from '../../src/notify/notifier.ts';
import { GO_MISSING, goIsThere, renderHere, renderWithGo, SETTING } from '../go-template/oracle.ts';

const TEMPLATES = join(import.meta.dirname, '..', '..', '..', '..', 'templates');
const NOW = 1_757_401_685;

interface Kind {
  file: string;
  channel: string;
  data: Readonly<Record<string, JsonData>>;
  message: Readonly<Record<string, JsonData>>;
}

const NASTY = 'a"b\\c\'d\\"e\n\t\r\u0000\u001b\u007f<&>{{.x}}%s%!d é\u00a0\u2028\ufeff🙂\u{e0001}"';
const KINDS: Kind[] = [
  {
    file: 'gate_open.json.tmpl',
    channel: 'ingest_updates',
    data: { batch_tag: 'spool_20250909_101010', spool: '/data/spool/processing', bytes: 12_345_678, count: 2 },
    message: {
      event: 'gate.open',
      ...{ batch_tag: 'spool_20250909_101010', spool: '/data/spool/processing' },
      bytes: 12_345_678,
      count: 2,
    },
  },
  {
    file: 'gate_done.json.tmpl',
    channel: 'ingest_updates',
    data: { batch_tag: 'b-1', status: 'success', processed: 1e15 },
    message: { event: 'gate.done', batch_tag: 'b-1', status: 'success', processed: 1e15 },
  },
  {
    file: 'embed_start.json.tmpl',
    channel: 'embed_updates',
    data: { batch_tag: 'b-1' },
    message: { event: 'embed.start', batch_tag: 'b-1' },
  },
];

const textOf = (file: string) => readFileSync(join(TEMPLATES, file), 'utf8');

function rendered(file: string, data: JsonData, env: Record<string, string> = SETTING.env) {
  const request = renderRequest(textOf(file), file, data, { env, now: () => NOW * 1000 });
  const { message, ...body } = JSON.parse(request.body ?? '') as { message: string; action: string; channel: string };
  return { request, body, text: message, message: JSON.parse(message) as Record<string, JsonData> };
}

describe.each(KINDS)('$file', ({ file, channel, data, message }) => {
  test('says what the contract has, in its order', () => {
    const { body, text } = rendered(file, data);
    expect(body).toEqual({ action: 'publish', channel });
    expect(text).toBe(JSON.stringify({ ...message, pii: false, ts: NOW }));
  });

  test('pii and a historical ts are kept', () => {
    const { text } = rendered(file, { ...data, pii: true, ts: 1_700_000_000 });
    expect(text).toBe(JSON.stringify({ ...message, pii: true, ts: 1_700_000_000 }));
  });

  test('goes to EDGE_URL with EDGE_TOKEN, else to GATE_URL with GATE_TOKEN', () => {
    const gate = { GATE_URL: 'http://gate/p', GATE_TOKEN: 'g' };
    expect(rendered(file, data, { ...gate, EDGE_URL: 'http://edge/p', EDGE_TOKEN: 'e"\\' }).request).toMatchObject({
      ...{ method: 'POST', url: 'http://edge/p', headers: { Authorization: 'Bearer e"\\' } },
    });
    expect(rendered(file, data, { ...gate, EDGE_URL: '', EDGE_TOKEN: '' }).request).toMatchObject({
      ...{ url: 'http://gate/p', headers: { Authorization: 'Bearer g' } },
    });
    expect(rendered(file, data, { GATE_URL: 'http://gate/p' }).request.headers).toEqual({
      'Content-Type': 'application/json',
    });
    expect(() => rendered(file, data, {})).toThrow('EDGE_URL');
  });

  test('nothing in a text breaks the message', () => {
    const texts = Object.keys(data).filter((key) => typeof data[key] === 'string');
    const nasty = Object.fromEntries(texts.map((key) => [key, NASTY]));
    expect(rendered(file, { ...data, ...nasty }).message).toMatchObject(nasty);
    const property = fc.property(fc.string({ unit: 'binary' }), (text) => {
      const given = Object.fromEntries(texts.map((key) => [key, text]));
      expect(rendered(file, { ...data, ...given }).message).toMatchObject(given);
    });
    fc.assert(property);
  });

  test.each(Object.keys(data).filter((key) => typeof data[key] === 'number'))('%s is a number or left out', (key) => {
    expect(rendered(file, { ...data, [key]: 9_007_199_254_740_991 }).message[key]).toBe(9_007_199_254_740_991);
    expect(rendered(file, { ...data, [key]: 0 }).message[key]).toBe(0);
    expect(rendered(file, { ...data, [key]: null }).message[key]).toBe(0);
    expect(() => rendered(file, { ...data, [key]: '12' })).toThrow('incompatible types');
  });

  test('without a batch tag it fails', () => {
    expect(() => rendered(file, { ...data, batch_tag: null })).toThrow('len of nil');
  });

  test('Go renders the same bytes', ({ skip }) => {
    if (process.env.REQUIRE_SERVICES === '1') expect(goIsThere, GO_MISSING).toBe(true);
    skip(!goIsThere, GO_MISSING);
    const template = textOf(file);
    const certified = { version_id: 'a'.repeat(64), stream: 'spool "x"' };
    const datas = [
      data,
      { ...data, ...certified, pii: true, ts: 1.7e9 },
      { ...data, batch_tag: NASTY, spool: NASTY },
      {},
    ];
    const cases = datas.map((one) => ({ template, data: one as JsonData }));
    expect(cases.map((one) => renderHere(one).out)).toEqual(renderWithGo(cases).map(({ out }) => out));
  });
});

test.each(['gate_done.json.tmpl', 'embed_start.json.tmpl'])('%s names what was certified', (file) => {
  const certified = { version_id: 'f'.repeat(64), stream: 'spo"ol' };
  expect(rendered(file, { batch_tag: 'b', status: 'success', processed: 1, ...certified }).message).toMatchObject(
    certified,
  );
});
