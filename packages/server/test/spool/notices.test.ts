import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SpoolLog } from '../../src/spool/log.ts';
import { type NoticeMessage, RefusedDelivery } from '../../src/spool/notices/notice.ts';
import { programNotifier } from '../../src/spool/notices/program.ts';
import { publishNotifier, templateNotifier } from '../../src/spool/notices/requests.ts';
import { EDGE, ndjson, once, put, QUIET, useSpool } from './spools.ts';
import { type Fault, problem, type StandIn } from './stand-in.ts';

let server: StandIn;
let dir: string;
useSpool((itsServer, itsDir) => {
  server = itsServer;
  dir = itsDir;
});

const EVENTS = ['gate.open', 'gate.done', 'embed.start'];
const OPEN: NoticeMessage = {
  channel: 'ingest_updates',
  message: { event: 'gate.open', batch_tag: 'x', spool: '/s', bytes: 1, count: 1, pii: false, ts: 7 },
};

describe('the outbox', () => {
  it.each<[string, Fault]>([
    ['is out of reach', 'dropped'],
    ['is down', problem(503, 'down')],
    ['does not know the token', problem(401, 'unauthorized')],
    ['sends elsewhere', problem(302, 'moved', { location: '/' })],
  ])('keeps what an endpoint that %s does not take, and delivers all in order later', async (_what, fault) => {
    server.fault = ({ path }) => (path === '/event-publish' ? fault : undefined);
    for (const tag of ['one', 'two']) {
      put(dir, `${tag}.ndjson`, ndjson([tag]));
      const [run] = await once(server, dir, { env: { SPOOL_BATCH_TAG: tag, SPOOL_NOTIFY_WAIT: '0' } });
      expect(run?.status).toBe('success');
    }
    expect(server.published).toEqual([]);
    server.fault = () => undefined;
    await once(server, dir);
    expect(server.published.map(({ message }) => `${String(message.batch_tag)} ${String(message.event)}`)).toEqual(
      ['one', 'two'].flatMap((tag) => EVENTS.map((event) => `${tag} ${event}`)),
    );
  });

  it('tries again what failed before it goes on, and says the time at which it happened', async () => {
    const attempts: string[] = [];
    server.fault = ({ path, body }) => {
      if (path !== '/event-publish') return undefined;
      attempts.push(EVENTS.find((event) => body.includes(event)) ?? '');
      return attempts.length % 3 === 0 ? undefined : problem(500, 'defect');
    };
    put(dir, 'a.ndjson', ndjson(['one']));
    await once(server, dir);
    expect(attempts).toEqual(EVENTS.flatMap((event) => [event, event, event]));
    const [open, done, start] = server.published.map(({ message }) => message.ts as number);
    expect(open).toBeLessThanOrEqual(done as number);
    expect(start).toBe(done);
  });

  it('tells the operator of a refusal as an error, and names no token', async () => {
    const said: string[] = [];
    const log: SpoolLog = { ...QUIET, error: (members, message) => said.push(`${JSON.stringify(members)} ${message}`) };
    server.fault = ({ path }) => (path === '/event-publish' ? problem(403, 'forbidden') : undefined);
    put(dir, 'a.ndjson', ndjson(['one']));
    await once(server, dir, { log, env: { SPOOL_BATCH_TAG: 'x', SPOOL_NOTIFY_WAIT: '0' } });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(
      `${server.url}/event-publish: the answer was 403 (is EDGE_TOKEN the token of the target,`,
    );
    expect(said[0]).not.toContain('Bearer');
  });
});

describe('what a target answers', () => {
  it.each([
    [401, EDGE, 'is EDGE_TOKEN the token of the target?'],
    [403, EDGE, 'is EDGE_TOKEN the token of the target, and the channel in its ALLOWED_CHANNELS?'],
    [404, EDGE, 'EDGE_URL needs the path: …/event-publish'],
    [405, { url: 'GATE_URL', token: 'GATE_TOKEN' }, 'GATE_URL needs the path: …/event-publish'],
  ])('of %d is for the operator to mend: %j', async (status, names, hint) => {
    server.fault = () => problem(status, 'refused');
    const url = `${server.url}/elsewhere`;
    const notifier = publishNotifier({ url: `${url}?key=secret`, token: 'edge', timeoutMs: 5000, names });
    const error = await notifier.notify(OPEN).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RefusedDelivery);
    expect((error as Error).message).toBe(`${url}: the answer was ${status} (${hint})`);
  });

  it('has no hint to a path that the operator did not write', async () => {
    server.fault = () => problem(404, 'not-found');
    const names = { url: undefined, token: 'EDGE_TOKEN' };
    const notifier = publishNotifier({ url: server.url, token: 'edge', timeoutMs: 5000, names });
    await expect(notifier.notify(OPEN)).rejects.toThrow(/the answer was 404$/);
  });

  it('is asked of the settings that templates go by', async () => {
    server.fault = () => problem(401, 'unauthorized');
    const env = { EDGE_URL: server.url, EDGE_TOKEN: 'secret' };
    const path = join(import.meta.dirname, '../../../../templates/gate_open.json.tmpl');
    const templates = { open: path, done: path, embedStart: path };
    const notifier = templateNotifier({ templates, timeoutMs: 10_000, env, log: QUIET });
    await expect(notifier.notify(OPEN)).rejects.toThrow('is EDGE_TOKEN or GATE_TOKEN the token of the target?');
  });
});

describe('a program as notifier', () => {
  const templates = { open: 'open.tmpl', done: 'done.tmpl', embedStart: 'start.tmpl' };

  function program(body: string): { bin: string; log: string } {
    const bin = join(dir, 'notifier');
    const log = join(dir, 'log');
    writeFileSync(bin, `#!/bin/sh\n${body}\n`);
    chmodSync(bin, 0o755);
    return { bin, log };
  }

  it('is run with a template and the data, in the environment of the spool', async () => {
    const { bin, log } = program('printf "%s|" "$EDGE_TOKEN" "$@" >> "$LOG"; echo >> "$LOG"');
    const env = { ...process.env, EDGE_TOKEN: 'secret', LOG: log };
    const notifier = programNotifier({ bin, templates, timeoutMs: 10_000, env });
    put(dir, 'a.ndjson', ndjson(['one']));
    await once(server, dir, { notifier, env: { SPOOL_BATCH_TAG: 'x' } });
    const calls = readFileSync(log, 'utf8').trim().split('\n');
    const told = calls.map((call) => call.split('|'));
    expect(told.map(([token, ...args]) => [token, ...args.slice(0, 3)])).toEqual([
      ['secret', '-template', 'open.tmpl', '-data'],
      ['secret', '-template', 'done.tmpl', '-data'],
      ['secret', '-template', 'start.tmpl', '-data'],
    ]);
    expect(told.map((call) => (JSON.parse(call[4] ?? '') as { event: string }).event)).toEqual(EVENTS);
  });

  it.each([
    ['exit 1', 'ended with exit code 1'],
    ['echo "$EDGE_TOKEN" >&2; exit 3', 'ended with exit code 3'],
    ['exec sleep 30', 'did not end in 200 ms'],
  ])('has not delivered when it does: %s', async (body, why) => {
    const { bin } = program(body);
    const env = { ...process.env, EDGE_TOKEN: 'secret' };
    const notifier = programNotifier({ bin, templates, timeoutMs: 200, env });
    await expect(notifier.notify(OPEN)).rejects.toMatchObject({ code: 'not-delivered', message: `${bin} ${why}` });
  });

  it('has not delivered when it is not there', async () => {
    const notifier = programNotifier({ bin: join(dir, 'none'), templates, timeoutMs: 1000, env: {} });
    await expect(notifier.notify(OPEN)).rejects.toMatchObject({ code: 'not-delivered' });
  });
});

describe('templates', () => {
  const seed = (name: string) => join(import.meta.dirname, '../../../../templates', name);
  const templates = {
    open: seed('gate_open.json.tmpl'),
    done: seed('gate_done.json.tmpl'),
    embedStart: seed('embed_start.json.tmpl'),
  };

  it('are rendered and sent', async () => {
    const env = { EDGE_URL: `${server.url}/event-publish`, EDGE_TOKEN: 'secret' };
    const notifier = templateNotifier({ templates, timeoutMs: 10_000, env, log: QUIET });
    put(dir, 'a.ndjson', ndjson(['one']));
    await once(server, dir, { notifier, env: { SPOOL_BATCH_TAG: 'x' } });
    expect(server.published.map(({ message }) => message.event)).toEqual(EVENTS);
    expect(server.published[1]).toMatchObject({
      authorization: 'Bearer secret',
      message: { batch_tag: 'x', status: 'success', processed: 1, pii: false, ts: expect.any(Number) },
    });
  });

  it('that cannot be rendered are for the operator to mend', async () => {
    const broken = join(dir, 'broken.tmpl');
    writeFileSync(broken, '{{ .x');
    const notifier = templateNotifier({ templates: { ...templates, open: broken }, timeoutMs: 1, env: {}, log: QUIET });
    await expect(notifier.notify(OPEN)).rejects.toThrow(RefusedDelivery);
  });
});
