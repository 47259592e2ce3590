import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { canonicalize, eventId } from '@tidemark/proof';
import { describe, expect, test } from 'vitest';
import { check, dir, file, POLICY, tried } from './check.ts';

const policyFile = file('policy.json', POLICY);
const hashOf = (policy: object) => createHash('sha256').update(canonicalize(policy)).digest('hex');

describe('a policy', () => {
  test('that is valid is put in words, with its hash', () => {
    const { status, stdout, stderr } = check([policyFile]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(
      `${[
        `VALID  policy ${hashOf(POLICY)}`,
        '    t         from reading.temp, as number, required, from -40 to 85',
        '    room      from room, or else "hall"',
        '    unit      always "C"',
        '    mail      from owner.mail',
        '    (redact)  owner.ssn',
        '    (hash)    owner.mail',
        '    (id)      from serial + counter',
        '    (time)    from reading.at',
        '    (issues)  quarantined',
      ].join('\n')}\n`,
    );
  });

  test('of every other member too', () => {
    const policy = {
      coercion: { at: { kind: 'timestamp', unit: 'ms' }, f: { kind: 'number', factor: 1.8, offset: 32 } },
      constraints: {
        enum: { state: ['on', 'off'] },
        pattern: { code: '^[A-Z]+$' },
        compare: [{ left: 'low', op: '<=', right: { const: 7 } }],
        monotonicFields: ['n'],
        monotonicKey: ['device'],
        schema: { type: 'object' },
      },
      onIssue: 'certify',
    };
    expect(check([file('rich.json', policy)])).toMatchObject({
      status: 0,
      stdout: `${[
        `VALID  policy ${hashOf(policy)}`,
        '    (event)    passes through whole',
        '    at         as timestamp, counts in ms',
        '    f          as number × 1.8 + 32',
        '    state      one of ["on","off"]',
        '    code       like /^[A-Z]+$/',
        '    n          never falling in the order of the log',
        '    (compare)  low <= 7',
        '    (schema)   the payload fits a JSON Schema',
        '    (order)    what may not fall is counted for each device',
        '    (id)       from eventId, or else id',
        '    (time)     from ts, or else timestamp, or else time',
        '    (issues)   certified in spite of them',
      ].join('\n')}\n`,
    });
  });

  test('that is invalid is one line with the path, the problem and the remedy', () => {
    const bad = file('bad.json', { constraints: { bounds: { t: { min: 5, max: 4 } } } });
    expect(check([bad])).toEqual({
      status: 1,
      stdout: 'INVALID  constraints.bounds.t: min 5 is above max 4; no value could pass; swap them\n',
      stderr: '',
    });
    const { stdout } = check([bad, '--json']);
    expect(JSON.parse(stdout)).toEqual({
      kind: 'invalid',
      code: 'conflict',
      path: 'constraints.bounds.t',
      message: 'constraints.bounds.t: min 5 is above max 4; no value could pass; swap them',
    });
    const broken = check([file('no.json', '{"map":')]);
    expect(broken.status).toBe(1);
    expect(broken.stdout).toMatch(/^INVALID {2}[^\n]*no\.json: is not valid JSON [^\n]*; mend it\n$/);
  });
});

describe('a configuration', () => {
  const sources = [
    { id: 'greenhouse', auth: 'none', policy: { required: ['t'] } },
    { id: 'harbour', auth: 'none' },
  ];

  test('is checked source by source, by itself and not by the environment', () => {
    const { status, policies } = tried([file('tidemark.config.json', { port: 9000, sources, normalizePolicy: {} })]);
    expect(status).toBe(0);
    expect(policies.map(({ source, policyHash }) => [source, policyHash])).toEqual([
      ['greenhouse', hashOf({ required: ['t'] })],
      ['harbour', hashOf({})],
    ]);
  });

  test('names each source whose policy is invalid, and other faults by their setting', () => {
    const bad = (id: string, coerce: object) => ({ id, auth: 'none', policy: { coerce } });
    const config = { sources: [...sources, bad('mill', { a: 'x' }), bad('quay', { b: 'x' })] };
    const { status, stdout } = check([file('faulty.json', config)]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^INVALID {2}mill: coerce\.a: [^\n]+\nINVALID {2}quay: coerce\.b: [^\n]+\n$/);
    const other = file('other.json', { sources, watchMaxClients: 0 });
    expect(check([other])).toMatchObject({
      status: 1,
      stdout: `INVALID  ${other}: watchMaxClients: must be a whole number from 1 to 1000000, not 0\n`,
    });
  });

  test('with several sources leaves it to --source whose sample it is', () => {
    const config = file('two.json', { sources });
    const sample = file('one.ndjson', '{"id":1}');
    expect(check([config, '--sample', sample])).toMatchObject({
      status: 2,
      stderr: 'tidemark: --source says whose sample it is: greenhouse, harbour\n',
    });
    const { events, policies } = tried([config, '--sample', sample, '--source', 'greenhouse']);
    expect(policies.map(({ source }) => source)).toEqual(['greenhouse']);
    expect(events).toMatchObject([
      { outcome: 'quarantined', issues: ['required-missing:t'], eventId: eventId('greenhouse', 1) },
    ]);
    expect(check([config, '--source', 'lighthouse'])).toMatchObject({
      status: 2,
      stderr: 'tidemark: there is no source "lighthouse"; there are greenhouse, harbour\n',
    });
  });
});

test.each([
  ['no file', []],
  ['a file that is not there', [join(dir, 'absent.json')]],
  ['a sample that is not there', [policyFile, '--sample', join(dir, 'absent.ndjson')]],
  ['an option that is not there', [policyFile, '--samples', 'x']],
  ['a source where there are none', [policyFile, '--source', 'greenhouse']],
])('%s is misuse', (_, args) => {
  const { status, stderr } = check(args);
  expect(status).toBe(2);
  expect(stderr).not.toBe('');
});
