/** `tidemark notify` as a process of its own: what it prints, where, and its exit code. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseGoFlags } from '../../src/cli/go-flags.ts';
import { endpoint } from '../notify/endpoint.ts';
import { Directories } from '../support/directories.ts';

const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'tidemark.js');
const GATE_OPEN = join(import.meta.dirname, '..', '..', '..', '..', 'templates', 'gate_open.json.tmpl');
const directories = new Directories();
afterAll(() => directories.remove());
const dir = directories.next();

function template(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

function notify(args: readonly string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { PATH: process.env.PATH, ...env } };
    const child = execFile(process.execPath, [COMMAND, 'notify', ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

const DATA = JSON.stringify({
  batch_tag: 'spool_20250909_101010',
  spool: '/data/spool/processing',
  bytes: 12345,
  count: 2,
});

describe('a notification', () => {
  test('that is taken: the status on standard output, and nothing else', async () => {
    await using there = await endpoint((response) => response.end('{"status":"published"}'));
    const env = { GATE_URL: `${there.url}/event-publish`, GATE_TOKEN: 'gate-secret' };
    expect(await notify(['-template', GATE_OPEN, '-data', DATA], env)).toEqual({
      code: 0,
      stdout: '200\n',
      stderr: '',
    });
    const [received] = there.received;
    expect(received).toMatchObject({ method: 'POST', path: '/event-publish' });
    expect(received?.headers).toMatchObject({
      authorization: 'Bearer gate-secret',
      'content-type': 'application/json',
    });
    const { message, ...body } = JSON.parse(received?.body ?? '') as { message: string };
    expect(body).toEqual({ action: 'publish', channel: 'ingest_updates' });
    expect(JSON.parse(message)).toMatchObject({ event: 'gate.open', bytes: 12345, pii: false });
  });

  test('that is refused: exit code 1, and 0 where any status will do', async () => {
    await using there = await endpoint((response) => response.writeHead(403).end());
    const args = ['--template', GATE_OPEN, `--data=${DATA}`];
    const env = { EDGE_URL: there.url };
    const refused = { code: 1, stdout: '403\n', stderr: 'tidemark notify: the answer was 403\n' };
    expect(await notify(args, env)).toEqual(refused);
    expect(await notify([...args, '-require-2xx=false'], env)).toEqual({ code: 0, stdout: '403\n', stderr: '' });
  });

  test('with -v: request, status and answer on standard error, no token anywhere', async () => {
    await using there = await endpoint((response, { headers }) => {
      response.end(`you sent ${headers.authorization} and ${headers['x-api-key']}`);
    });
    const path = template(
      'verbose.tmpl',
      `{"url":"{{env "EDGE_URL"}}?token={{env "GATE_TOKEN"}}","headers":{"Authorization":"Bearer {{env "EDGE_TOKEN"}}",
        "X-Api-Key":"other-secret"},"body":{"echo":"{{env "EDGE_TOKEN"}}","plain":1}}`,
    );
    const env = { EDGE_URL: there.url, EDGE_TOKEN: 'edge-secret', GATE_TOKEN: 'gate-secret' };
    const { code, stdout, stderr } = await notify(['-template', path, '-v'], env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toBe(
      [
        `POST ${there.url}?token=***`,
        'Authorization: Bearer ***',
        'X-Api-Key: ***',
        'Content-Type: application/json',
        '',
        '{"echo":"***","plain":1}',
        '',
        'status 200',
        'you sent Bearer *** and ***',
        '',
      ].join('\n'),
    );
    expect(there.received[0]).toMatchObject({ path: '/?token=gate-secret' });
  });
});

describe('what fails', () => {
  const missing = join(dir, 'missing.tmpl');

  test.each<[string, string[], number, string]>([
    ['no template', [], 2, '-template is required'],
    ['data that is no JSON', ['-template', GATE_OPEN, '-data', '{'], 2, '-data is no JSON'],
    ['data that is no object', ['-template', GATE_OPEN, '-data', '[]'], 2, '-data is no JSON object'],
    ['an unknown flag', ['-template', GATE_OPEN, '-verbose'], 2, 'no flag -verbose'],
    ['a flag without its value', ['-template'], 2, '-template needs a value'],
    ['something that is no flag', ['-v', 'false'], 2, 'unexpected argument: false'],
    ['a switch that is neither', ['-require-2xx=perhaps'], 2, '-require-2xx is true or false'],
    ['a timeout of nothing', ['-template', GATE_OPEN, '-timeout', '0'], 2, '-timeout takes seconds'],
    ['a template that is not there', ['-template', missing], 1, `${missing} cannot be read`],
    [
      'a template that is none',
      ['-template', template('bad.tmpl', 'a\n{{ nope }}')],
      1,
      'bad.tmpl:2:4: function "nope"',
    ],
    ['a template that fails', ['-template', GATE_OPEN], 1, 'len of nil'],
    ['no target', ['-template', GATE_OPEN, '-data', DATA], 1, 'is EDGE_URL or GATE_URL set?'],
    ['nobody there', ['-template', template('gone.tmpl', '{"url":"http://127.0.0.1:1/"}')], 1, 'ECONNREFUSED'],
  ])('%s', async (_what, args, code, message) => {
    const outcome = await notify(args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toContain(message);
    expect(outcome.stderr).toMatch(/^tidemark notify: .*\n$/);
  });

  test('an answer that does not come in time', async () => {
    await using there = await endpoint(() => undefined);
    const outcome = await notify(['-template', GATE_OPEN, '-data', DATA, '-timeout', '0.2'], { EDGE_URL: there.url });
    expect(outcome).toEqual({ code: 1, stdout: '', stderr: 'tidemark notify: no answer in 0.2 s\n' });
  });
});

test('-h says what there is', async () => {
  const { code, stdout } = await notify(['-h']);
  expect(code).toBe(0);
  for (const flag of ['-template', '-data', '-timeout', '-require-2xx', '-v']) expect(stdout).toContain(`  ${flag}`);
});

describe('flags, as Go reads them', () => {
  const flags = { name: 'text', on: 'bool', h2: 'bool' } as const;

  test.each<[string[], object]>([
    [[], { texts: {}, bools: {} }],
    [['-name', 'x', '--on'], { texts: { name: 'x' }, bools: { on: true } }],
    [['-name=', '-on=F'], { texts: { name: '' }, bools: { on: false } }],
    [['--name=a=b\nc', '-on=1', '-h2=True'], { texts: { name: 'a=b\nc' }, bools: { on: true, h2: true } }],
    [['-name', '-on'], { texts: { name: '-on' }, bools: {} }],
    [['-name', 'x', '-name', 'y'], { texts: { name: 'y' }, bools: {} }],
  ])('%j', (argv, given) => expect(parseGoFlags(argv, flags)).toEqual(given));

  test.each([['-help'], ['--h'], ['-on', '-h']])('%s', (...argv) => expect(parseGoFlags(argv, flags)).toBe('help'));

  test.each([[['-']], [['--']], [['---on']], [['-=x']], [['-toString']], [['-on=yes']], [['x']]])(
    'refused: %j',
    (argv) => {
      expect(() => parseGoFlags(argv, flags)).toThrow(expect.objectContaining({ name: 'CliError', exitCode: 2 }));
    },
  );
});
