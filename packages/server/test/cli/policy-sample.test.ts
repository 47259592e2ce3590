import { createHash } from 'node:crypto';
import { canonicalize, eventId } from '@tidemark/proof';
import { describe, expect, test } from 'vitest';
import { check, file, POLICY, tried } from './check.ts';

const READING = { temp: '21.5', at: '2026-03-01T13:00:00+01:00' };
const OWNER = { ssn: '078-05-1120', mail: 'alice@example.org' };
const policyFile = file('policy.json', POLICY);

describe('a sample', () => {
  const sample = file(
    'sample.ndjson',
    [
      JSON.stringify({ serial: 'a', counter: 1, reading: READING, owner: OWNER }),
      JSON.stringify({ serial: 'a', counter: 2, reading: { temp: 400, at: 'noon\u001b[31m' }, room: 'lab' }),
      JSON.stringify({ serial: 'a', counter: 1, reading: READING, owner: { ...OWNER, ssn: '219-09-9999' } }),
      JSON.stringify({ serial: 'a', counter: 1, reading: { ...READING, temp: 22 } }),
      JSON.stringify({ serial: 'a', reading: READING }),
      '{"serial":"a"',
      '{"reading":{"temp":12345678901234567890,"at":1772366400}}',
    ].join('\n'),
  );

  test('shows what becomes of each event, field by field', () => {
    const { status, events } = tried([policyFile, '--sample', sample]);
    expect(status).toBe(0);
    const mail = expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/);
    const common = { kind: 'event', redacted: [], hashed: [], masked: [], revision: false, idFrom: 'idFrom' };
    expect(events.slice(0, 2)).toEqual([
      {
        ...{ ...common, event: 1, outcome: 'certified', issues: [] },
        eventId: idOf(['a', 1]),
        ...{ eventTime: '2026-03-01T12:00:00.000Z', timeFrom: 'reading.at' },
        ...{ redacted: ['owner.ssn'], hashed: ['owner.mail'], madeUpKey: true },
        fields: [
          { field: 't', raw: '21.5', value: 21.5, changedBy: 'number', issues: [] },
          { field: 'room', value: 'hall', changedBy: 'default', issues: [] },
          { field: 'unit', value: 'C', changedBy: 'const', issues: [] },
          { field: 'mail', raw: mail, value: mail, issues: [] },
        ],
      },
      {
        ...{ ...common, event: 2, outcome: 'quarantined' },
        issues: ['bounds-max:t:400>85', 'time-invalid:reading.at:noon\u001b[31m'],
        eventId: idOf(['a', 2]),
        ...{ eventTime: expect.stringMatching(/^20\d\d-.*Z$/), timeFrom: 'arrival' },
        fields: [
          { field: 't', raw: 400, value: 400, issues: ['bounds-max:t:400>85'] },
          { field: 'room', raw: 'lab', value: 'lab', issues: [] },
          { field: 'unit', value: 'C', changedBy: 'const', issues: [] },
          { field: 'mail', issues: [] },
        ],
      },
    ]);
    expect(events.slice(2)).toMatchObject([
      { outcome: 'duplicate', eventId: idOf(['a', 1]) },
      { outcome: 'certified', revision: true, eventId: idOf(['a', 1]) },
      { outcome: 'refused', error: 'id-invalid' },
      { outcome: 'refused', error: 'json-malformed' },
      { outcome: 'quarantined', idFrom: 'content', timeFrom: 'reading.at' },
    ]);
    expect(events[6]?.fields).toContainEqual({
      ...{ field: 't', raw: Number('12345678901234567890'), value: '12345678901234567890' },
      issues: [expect.stringMatching(/^bounds-max:t:/), 'number-unsafe:t'],
    });
  });

  test('ends with a summary', () => {
    const { summary } = tried([policyFile, '--sample', sample]);
    expect(summary).toEqual({
      ...{ kind: 'summary', events: 7, revisions: 1 },
      outcomes: { certified: 2, 'certified-with-issues': 0, quarantined: 2, duplicate: 1, refused: 2 },
      issues: { 'bounds-max': 2, 'time-invalid': 1, 'number-unsafe': 1 },
      refusals: { 'id-invalid': 1, 'json-malformed': 1 },
    });
  });

  test('is shown to people as a table, without what their terminal would obey or the policy takes out', () => {
    const { status, stdout } = check([policyFile, '--sample', sample]);
    expect(status).toBe(0);
    expect(stdout).toContain('\n#2  quarantined\n');
    expect(stdout).toContain('\n    t      400    →  400         bounds-max:t:400>85\n');
    expect(stdout).toContain('\n    issue  time-invalid:reading.at:noon\\u001b[31m\n');
    expect(stdout).toContain('\n    taken out before anything is kept  owner.ssn\n');
    expect(stdout).toContain('\n    hashed, here under a made-up key  owner.mail\n');
    expect(stdout).toContain(
      '\n7 events: 2 certified, 0 certified with issues, 2 quarantined, 1 duplicate, 2 refused\n1 revise an event before them\n  2 × bounds-max\n',
    );
    expect(stdout).not.toMatch(/078-05|219-09|alice/);
    expect(stdout).not.toContain('\u001b');
  });

  test('that is not all certified is a failure with --strict alone', () => {
    const mixed = file('mixed.ndjson', '{"id":1,"t":"x"}\n');
    const strict = file('strict.json', { coerce: { t: 'number' } });
    const lenient = file('lenient.json', { coerce: { t: 'number' }, onIssue: 'certify' });
    expect(check([strict, '--sample', mixed]).status).toBe(0);
    expect(check([strict, '--sample', mixed, '--strict']).status).toBe(1);
    expect(check([strict, '--sample', file('broken.ndjson', '{"id":1'), '--strict']).status).toBe(1);
    const { status, events } = tried([lenient, '--sample', mixed, '--strict']);
    expect(status).toBe(0);
    expect(events).toMatchObject([{ outcome: 'certified-with-issues', issues: ['coercion-NaN:t:x'] }]);
  });

  test('is shown up to its twentieth event, or whole with --all, and counted whole', () => {
    const many = Array.from({ length: 25 }, (_, n) => `{"id":${n}}`).join('\n');
    const short = tried([file('empty.json', {}), '--sample', '-'], many);
    expect(short.events).toHaveLength(20);
    expect(short.summary).toMatchObject({ events: 25, outcomes: { certified: 25 } });
    expect(tried([file('empty.json', {}), '--sample', '-', '--all'], many).events).toHaveLength(25);
    expect(check([file('empty.json', {}), '--sample', '-'], many).stdout).toContain(
      '\nthe first 20 of 25 are shown; --all shows them all\n',
    );
  });

  test.each([
    ['an array', 'a.json', '[ {"id":"1","t":"2"}, {"id":"3"} ]', ['1', '3']],
    ['the body of a delivery', 'b.json', '{"sourceId":"x","events":[{"id":"1"}]}', ['1']],
    ['one event over several lines', 'c.json', '{\n  "id": "1",\n  "t": "2"\n}\n', ['1']],
    ['NDJSON of one line', 'd.ndjson', '{"id":"1"}', ['1']],
    ['CSV', 'e.csv', 'id,t\n1,2\n3,4\n', ['1', '3']],
  ])('may be %s', (_, name, content, ids) => {
    const { events } = tried([file('empty.json', {}), '--sample', file(name, content)]);
    expect(events.map((event) => event.eventId)).toEqual(ids.map((id) => eventId('default', id)));
  });

  test('has the time of an event apart from a field of that name', () => {
    const { events } = tried([file('empty.json', {}), '--sample', '-'], '{"id":1,"ts":"noon"}');
    expect(events).toMatchObject([
      { timeFrom: 'arrival', issues: ['time-invalid:ts:noon'], fields: [{ field: 'id' }, { field: 'ts', issues: [] }] },
    ]);
  });

  test('says by what an event is known', () => {
    const lines = ['{"eventId":"e"}', '{"id":"i"}', '{"ts":1}', '{"v":1}', '{"v":1}'].join('\n');
    const { events } = tried([file('empty.json', {}), '--sample', '-'], lines);
    expect(events.map(({ idFrom }) => idFrom)).toEqual(['eventId', 'id', 'content', 'none', 'none']);
    expect(events.map((event) => 'eventId' in event)).toEqual([true, true, true, false, false]);
  });
});

describe('a sample of events that are marked', () => {
  const pii = { redact: ['name'], hash: ['mail'], mask: ['text', 'chunk'] };
  const policy = file('pii.json', { redact: ['ssn'], pii });
  const person = { ...OWNER, name: 'Alice', text: 'Ask alice@example.org' };
  const sample = file(
    'marked.ndjson',
    [
      { id: 1, pii: true, ...person },
      { id: 2, pii: 'true', ...person },
    ]
      .map((event) => JSON.stringify(event))
      .join('\n'),
  );

  test('shows what becomes of them', () => {
    const { policies, events } = tried([policy, '--sample', sample]);
    expect(policies[0]).toMatchObject({ policyHash: hashOf({ redact: ['ssn'], pii }) });
    expect(events).toMatchObject([
      { outcome: 'certified', redacted: ['ssn', 'name'], hashed: ['mail'], masked: ['text'], madeUpKey: true },
      { outcome: 'certified', redacted: ['ssn'], hashed: [], masked: [] },
    ]);
    expect(events[0]?.fields).toContainEqual({
      ...{ field: 'text', raw: 'Ask [email]', value: 'Ask [email]', issues: [] },
    });
    expect(events[1]).not.toHaveProperty('madeUpKey');
    expect(events[1]?.fields).toContainEqual({ field: 'text', raw: person.text, value: person.text, issues: [] });
  });

  test('is shown to people, too', () => {
    const { stdout } = check([policy, '--sample', sample]);
    expect(stdout).toContain('\n    (pii redact)  name\n    (pii hash)    mail\n    (pii mask)    text, chunk\n');
    expect(stdout.match(/ {4}masked, as the event is marked pii {2}text\n/g)).toHaveLength(1);
    expect(stdout).toContain('"Ask [email]"');
  });
});

test('a sample that is no events at all is refused in one line', () => {
  const { status, stderr } = check([policyFile, '--sample', file('half.json', '[{"id":1},')]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^tidemark: .*half\.json: body-malformed: [^\n]+\n$/);
});

function hashOf(policy: object): string {
  return createHash('sha256').update(canonicalize(policy)).digest('hex');
}

function idOf(externalId: unknown): string {
  return createHash('sha256')
    .update(canonicalize(['default', externalId]))
    .digest('hex')
    .slice(0, 32);
}
