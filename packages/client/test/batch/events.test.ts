import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  eventKey,
  LIFECYCLE_CHANNELS,
  type LifecycleEventError,
  type LifecycleEventName,
  lifecycleIssues,
  MAX_EVENT_TS,
  parseLifecycleEvent,
} from '../../src/index.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const names = Object.keys(LIFECYCLE_CHANNELS) as LifecycleEventName[];
const schemas = Object.fromEntries(names.map((name) => [name, schemaOf(name)])) as Record<string, ValidateFunction>;

function schemaOf(name: string): ValidateFunction {
  const text = readFileSync(join(ROOT, `schemas/${name}.schema.json`), 'utf8');
  return new Ajv2020({ strict: true, allowUnionTypes: true }).compile(JSON.parse(text));
}

const members = {
  'gate.open': { batch_tag: 't', spool: '/data', bytes: 1, count: 2 },
  'gate.done': { batch_tag: 't', status: 'success', processed: 3 },
  'embed.start': { batch_tag: 't' },
  'embed.done': { batch_tag: 't', status: 'failed', embedded: 4 },
} as const;
const [open, done, start, embedded] = names.map((event) => ({ event, ...members[event] }));

it('there is a schema for each event', () => {
  const files = readdirSync(join(ROOT, 'schemas')).filter((file) =>
    Object.hasOwn(schemas, file.replace('.schema.json', '')),
  );
  expect(files.sort()).toEqual(names.map((name) => `${name}.schema.json`).sort());
});

const VERSION_ID = 'a0'.repeat(32);

/** A member, a value, and which event it makes unsound, or sound with. */
const table: [event: object | undefined, member: string, value: unknown, issue: string | undefined][] = [
  ...[open, done, start, embedded].flatMap((event): typeof table => [
    [event, 'extra', { any: ['thing'] }, undefined],
    [event, 'pii', true, undefined],
    [event, 'pii', 'true', 'pii is neither true nor false'],
    [event, 'pii', null, 'pii is neither true nor false'],
    [event, 'ts', 0, undefined],
    [event, 'ts', MAX_EVENT_TS, undefined],
    [event, 'ts', MAX_EVENT_TS + 1, 'ts is no Unix seconds'],
    [event, 'ts', 1_700_000_000_000, 'ts is no Unix seconds'],
    [event, 'ts', 1.5, 'ts is no Unix seconds'],
    [event, 'ts', -1, 'ts is no Unix seconds'],
    [event, 'ts', '2024-01-01T00:00:00Z', 'ts is no Unix seconds'],
    [event, 'batch_tag', undefined, 'batch_tag is missing'],
    [event, 'batch_tag', '', 'batch_tag is no text of 1 to 256 characters'],
    [event, 'batch_tag', '🌊'.repeat(256), undefined],
    [event, 'batch_tag', '🌊'.repeat(257), 'batch_tag is no text of 1 to 256 characters'],
    [event, 'batch_tag', 7, 'batch_tag is no text of 1 to 256 characters'],
  ]),
  ...(['bytes', 'count'] as const).flatMap((member): typeof table => counts(open, member)),
  ...counts(done, 'processed'),
  ...counts(embedded, 'embedded'),
  [open, 'spool', undefined, 'spool is missing'],
  [open, 'spool', null, 'spool is no text'],
  [open, 'spool', '', undefined],
  ...[done, embedded].flatMap((event): typeof table => [
    [event, 'status', 'failed', undefined],
    [event, 'status', undefined, 'status is missing'],
    [event, 'status', 'done', 'status is neither "success" nor "failed"'],
    [event, 'status', 'Success', 'status is neither "success" nor "failed"'],
  ]),
  [done, 'version_id', VERSION_ID, undefined],
  [done, 'version_id', null, undefined],
  [done, 'version_id', VERSION_ID.toUpperCase(), 'version_id is neither 64 hex digits nor null'],
  [done, 'version_id', `${VERSION_ID}\n`, 'version_id is neither 64 hex digits nor null'],
  [done, 'version_id', VERSION_ID.slice(1), 'version_id is neither 64 hex digits nor null'],
  [start, 'version_id', 5, undefined],
  [done, 'stream', 'spool', undefined],
  [done, 'stream', 5, 'stream is no text'],
];

function counts(event: object | undefined, member: string): typeof table {
  const issue = `${member} is no whole number from 0`;
  return [
    [event, member, 0, undefined],
    [event, member, Number.MAX_SAFE_INTEGER, undefined],
    [event, member, Number.MAX_SAFE_INTEGER + 1, issue],
    [event, member, -1, issue],
    [event, member, 0.5, issue],
    [event, member, '5', issue],
    [event, member, undefined, `${member} is missing`],
  ];
}

describe('checker and schema say the same', () => {
  it.each(table)('%o with %s %o', (event, member, value, issue) => {
    // As it would come out of JSON: a member without a value is not there.
    const changed = JSON.parse(JSON.stringify({ ...event, [member]: value })) as { event: string };
    expect(lifecycleIssues(changed)).toEqual(issue === undefined ? [] : [issue]);
    expect(schemas[changed.event]?.(changed)).toBe(issue === undefined);
  });

  it('of all that JSON can say', () => {
    const interesting = fc.constantFrom<unknown>(
      0,
      1,
      -0,
      1e21,
      MAX_EVENT_TS,
      'success',
      'failed',
      't',
      '',
      VERSION_ID,
      null,
      true,
    );
    const member = fc.constantFrom(
      ...names.flatMap((name) => Object.keys(members[name])),
      'pii',
      'ts',
      'version_id',
      'stream',
    );
    const changes = fc.dictionary(member, fc.oneof(interesting, fc.jsonValue()), { maxKeys: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...names), changes, fc.option(member), (event, changed, dropped) => {
        const made: Record<string, unknown> = { ...members[event], ...changed, event };
        if (dropped !== null) delete made[dropped];
        const value: unknown = JSON.parse(JSON.stringify(made));
        expect(lifecycleIssues(value).length === 0).toBe(schemas[event]?.(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('of several things at once', () => {
    const issues = lifecycleIssues({ event: 'gate.done', status: 1, ts: null });
    expect(issues).toEqual([
      ...['batch_tag is missing', 'status is neither "success" nor "failed"', 'processed is missing'],
      'ts is no Unix seconds',
    ]);
  });

  it.each([undefined, null, 5, 'gate.open', [], {}, { event: 'other' }, { event: 5 }, { event: 'toString' }])(
    '%o is nobody’s business here',
    (value) => {
      expect(lifecycleIssues(value)).toEqual([]);
    },
  );
});

describe('parsing', () => {
  const codeOf = (text: string): string => {
    try {
      parseLifecycleEvent(text);
      return 'none';
    } catch (error) {
      return (error as LifecycleEventError).code;
    }
  };

  it.each([
    ['', 'not-json'],
    ['{', 'not-json'],
    ['[]', 'not-json'],
    ['null', 'not-json'],
    ['"gate.open"', 'not-json'],
    ['{}', 'unknown-event'],
    ['{"event":"gate.closed","batch_tag":"t"}', 'unknown-event'],
    ['{"event":"embed.start"}', 'invalid-event'],
    ['{"event":"embed.start","batch_tag":"t"}', 'none'],
  ])('%s: %s', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it('keeps what it does not know, and fills in what is not said', () => {
    const event = parseLifecycleEvent('{"event":"embed.start","batch_tag":"t","more":1}');
    expect(event).toEqual({ event: 'embed.start', batch_tag: 't', more: 1, pii: false });
    expect(eventKey(event)).toBe('embed.start:t');
  });
});

describe('examples/gate-events.jsonl', () => {
  const lines = readFileSync(join(ROOT, 'examples/gate-events.jsonl'), 'utf8').trimEnd().split('\n');

  it.each(lines)('%s', (line) => {
    const event = parseLifecycleEvent(line);
    expect(JSON.parse(line)).toEqual(event);
    expect(schemas[event.event]?.(event)).toBe(true);
  });

  it('has each event with and without pii, now and in the past, and each status', () => {
    const events = lines.map((line) => parseLifecycleEvent(line));
    const seen = (of: (event: (typeof events)[number]) => unknown) => [...new Set(events.map(of))].sort();
    const combined = names.flatMap((name) =>
      [true, false].flatMap((pii) => [true, false].map((past) => `${name} ${pii} ${past}`)),
    );
    expect(seen(({ event, pii, ts }) => `${event} ${pii} ${(ts ?? 0) < 1_600_000_000}`)).toEqual(combined.sort());
    const ended = events.filter((event) => 'status' in event);
    expect([...new Set(ended.map(({ event, status }) => `${event} ${status}`))].sort()).toEqual(
      ['embed.done', 'gate.done'].flatMap((name) => [`${name} failed`, `${name} success`]),
    );
  });
});
